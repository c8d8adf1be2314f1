"""Squareplus as a layer."""

from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.functional.squareplus import check_width
from wolfsbane.nn.layer import Layer, is_leaf


class Squareplus(Layer):
    r"""Bend a ReLU smoothly, by a square root.

    $$y = \tfrac{1}{2} \bigl(x + \sqrt{x^2 + b}\bigr)$$

    Like softplus, without exponential and logarithm. No parameters. Training and evaluation are the
    same. Value and derivatives are right to rounding for every finite input, far below zero too,
    where the formula as it stands cancels to 0.

    float16 and bfloat16 are computed in float32 and rounded once; the output has the input's dtype.

    Args:
        b: how wide the bend is, larger than 0. With 4, the slope and the curvature at zero are
            softplus'; with 4 log(2)^2 the value is. Default: 4.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: b is not a positive number.
        DtypeError: the input holds integers.

    Examples:
        >>> import torch
        >>> Squareplus()(torch.tensor([-1e4, 0.0, 1.5]))
        tensor([1.0000e-04, 1.0000e+00, 2.0000e+00])

    References:
        Barron 2021, arXiv:2112.11687.
    """

    @explain_unknown_arguments
    def __init__(self, b: float = 4.0) -> None:
        width = check_width(b)
        super().__init__()
        self.b = width

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input, bent."""
        return F.squareplus(input, self.b)

    def extra_repr(self) -> str:
        return f"b={self.b:g}"
