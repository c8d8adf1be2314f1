"""Sparsemax as a layer."""

from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.functional.constants import check_dim
from wolfsbane.nn.layer import Layer, is_leaf


class Sparsemax(Layer):
    r"""Return the probabilities that are nearest to the input: a softmax that can give zeros.

    $$y = \arg\min_{p \in \Delta} \lVert p - z \rVert^2, \quad y_i = \max(z_i - \tau, 0)$$

    No parameters. Training and evaluation are the same. A position that is -inf, as a mask of
    attention makes it, gets 0; where all are, the result is nan, as softmax's is.

    float16 and bfloat16 are computed in float32 and rounded once; the output has the input's dtype.

    Args:
        dim: the dimension that sums to one. Default: -1.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentTypeError: dim is not an integer.
        DtypeError: the input holds integers.

    Examples:
        >>> import torch
        >>> Sparsemax()(torch.tensor([1.5, 1.0, -float("inf"), 0.0]))
        tensor([0.7500, 0.2500, 0.0000, 0.0000])

    References:
        Martins, Astudillo 2016, arXiv:1602.02068.
    """

    @explain_unknown_arguments
    def __init__(self, dim: int = -1) -> None:
        check_dim(dim)
        super().__init__()
        self.dim = dim

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return probabilities."""
        return F.sparsemax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
