"""Squareplus: a smooth ReLU without exponentials."""

import math

import torch
from torch import Tensor

from wolfsbane.functional.constants import check_above
from wolfsbane.functional.override import overridable
from wolfsbane.functional.widening import check_floating, widened

B_ADVICE = "It is the width of the bend, b=4 by default; b=0 is ReLU: use that"


@overridable
def squareplus(input: Tensor, b: float = 4.0) -> Tensor:
    r"""Bend a ReLU smoothly, by a square root.

    $$y = \tfrac{1}{2} \bigl(x + \sqrt{x^2 + b}\bigr)$$

    For x < 0 the equal $b / 4 y(-x)$ is computed, where the sum would cancel, and x is not squared
    where that would overflow: y and its derivatives are right to rounding for every finite x. The
    same in training and evaluation. float16 and bfloat16 are computed in float32 and rounded once;
    the output has the input's dtype.

    Args:
        input: floating-point tensor.
        b: how wide the bend is, larger than 0. With 4, the slope and the curvature at zero are
            softplus'; with 4 log(2)^2 the value is. Default: 4.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: b is not a positive number.
        DtypeError: the input holds integers.

    Examples:
        >>> squareplus(torch.tensor([-1e4, 0.0, 1.5]))
        tensor([1.0000e-04, 1.0000e+00, 2.0000e+00])

    References:
        Barron 2021, arXiv:2112.11687.
    """
    check_floating("squareplus", input)
    width = check_width(b)
    x = widened(input)
    is_positive = x >= 0
    # Not abs: its derivative at zero is 0, where ours needs 1.
    size = torch.where(is_positive, x, -x)
    hypotenuse = torch.hypot(size, x.new_full((), math.sqrt(width)))
    upper = 0.5 * size + 0.5 * hypotenuse
    return torch.where(is_positive, upper, (0.25 * width) / upper).to(input.dtype)


def check_width(b: object) -> float:
    """Return the width of the bend as a float, or raise."""
    return check_above("b", b, 0.0, B_ADVICE)
