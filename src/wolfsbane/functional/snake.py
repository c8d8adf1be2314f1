"""Snake: the identity and a periodic part."""

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentTypeError, DtypeError, ShapeError
from wolfsbane.functional.constants import check_number
from wolfsbane.functional.override import overridable
from wolfsbane.functional.widening import check_floating, widened

CHANNEL_DIMS = 2
"""Channels are dimension 1 of (N, C, *)."""

SMALL_ANGLE = 1e-9
"""sin(u) / u is 1 - u^2 / 6 here, which is 1 in float64."""

ALPHA_ADVICE = "It is the frequency; the default is 1, for periodic data try 5 to 50"


@overridable
def snake(input: Tensor, alpha: float | Tensor = 1.0) -> Tensor:
    r"""Add to each element a wave of itself, which lets a network extrapolate periods.

    $$y = x + \frac{1}{a} \sin^2(a x) = x + a\, \bigl(x\, \mathrm{sinc}(a x / \pi)\bigr)^2$$

    Where a x is next to zero it is computed as the second form, which divides by no a: so a = 0 is
    the identity, and derivatives there are right to second order. y never decreases, whatever a is.
    The same in training and evaluation. float16 and bfloat16 are computed in float32 and rounded
    once; the output has the input's dtype.

    Args:
        input: floating-point tensor.
        alpha: a, the frequency, in 1 / unit of the input: a number, or a tensor of one value, or of
            C values for the channels in dimension 1. Default: 1.

    Shape:
        (*) to (*); with C values (N, C, *) to (N, C, *).

    Raises:
        ArgumentError, ArgumentTypeError: alpha is not a finite number or a tensor.
        ShapeError: alpha has not one value for each channel.
        DtypeError: the input holds integers.

    Examples:
        >>> snake(torch.tensor([-torch.pi, 0.0, torch.pi / 2]))
        tensor([-3.1416,  0.0000,  2.5708])
        >>> snake(torch.ones(1, 2), torch.tensor([0.0, 1.0]))
        tensor([[1.0000, 1.7081]])

    References:
        Ziyin, Hartwig, Ueda 2020, arXiv:2006.08195, equation 3.
    """
    check_floating("snake", input)
    x = widened(input)
    a = _frequency(x, alpha)
    angle = a * x
    is_small = angle.abs() < SMALL_ANGLE
    # There sinc is 1. torch.sinc would do for values, but its second derivative at zero is nan.
    wave = torch.where(
        is_small, angle * x, torch.sin(angle).square() / torch.where(is_small, 1.0, a)
    )
    return (x + wave).to(input.dtype)


def _frequency(x: Tensor, alpha: float | Tensor) -> Tensor:
    if not isinstance(alpha, Tensor):
        return x.new_full((), check_number("alpha", alpha, ALPHA_ADVICE))
    if not alpha.is_floating_point():
        raise DtypeError(f"alpha has to be floating-point, but got {alpha.dtype}: alpha.float()")
    if alpha.numel() == 1:
        return alpha.to(x.dtype).reshape(())
    if alpha.dim() != 1:
        raise ShapeError(
            f"alpha should have one dimension, of one value or one for each channel, but its shape "
            f"is {tuple(alpha.shape)}: alpha.flatten()"
        )
    channels = x.size(1) if x.dim() >= CHANNEL_DIMS else None
    if channels != alpha.numel():
        raise ShapeError(
            f"alpha has {alpha.numel()} elements, one for each channel in dimension 1, but the "
            f"input's shape is {tuple(x.shape)}. Where features come last, use one frequency for "
            "all, or move them: input.movedim(-1, 1)"
        )
    return alpha.to(x.dtype).view(-1, *(1,) * (x.dim() - CHANNEL_DIMS))


def check_alpha(alpha: object) -> float:
    """Return the number that a layer's frequencies start from, or raise."""
    if isinstance(alpha, Tensor) and alpha.numel() != 1:
        raise ArgumentTypeError(
            f"alpha has to be a finite number, but got a tensor of {alpha.numel()} elements. Fill "
            "the layer's parameter: layer.alpha.data.copy_(values)"
        )
    return check_number("alpha", alpha, ALPHA_ADVICE)
