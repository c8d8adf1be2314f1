"""Dropout for self-normalising networks: what is dropped takes SELU's saturation value."""

import torch
from torch import Tensor

from wolfsbane.functional.masking import channel_mask, saturate
from wolfsbane.functional.override import overridable
from wolfsbane.mask.rate import Rate, check_rate, never_drops


@overridable
def alpha_dropout(
    input: Tensor,
    p: Rate = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Set elements to SELU's saturation value with probability p, keeping mean and variance.

    $$y_i = a x_i + b \text{ if kept}, \quad a \alpha' + b \text{ if dropped}, \quad
    a = ((1 - p)(1 + p \alpha'^2))^{-1/2}, \quad b = -a p \alpha'$$

    with $\alpha' = -1.758$. An input of mean 0 and variance 1 keeps both. As in torch, p = 1 gives
    zeros, and the default is training=False.

    In training one 64-bit key is drawn. In evaluation, and for p = 0, the input is returned.

    Args:
        input: floating-point tensor.
        p: probability of an element to be dropped, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: False.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        DtypeError: the input is not floating-point.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = alpha_dropout(torch.randn(100_000), p=0.3, training=True)
        >>> abs(y.mean().item()) < 0.02, abs(y.var().item() - 1) < 0.02
        (True, True)

    References:
        Klambauer et al. 2017, arXiv:1706.02515, section 2.
    """
    probability = check_rate(p)
    if not training or never_drops(p):
        return input
    return saturate(input, probability, tuple(input.shape), inplace, generator)


@overridable
def feature_alpha_dropout(
    input: Tensor,
    p: Rate = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Set whole channels to SELU's saturation value with probability p.

    One decision is made per (sample, channel). Otherwise as `alpha_dropout`.

    Args:
        input: floating-point tensor.
        p: probability of a channel to be dropped, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: False.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, C, *) to (N, C, *).

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        ShapeError: the input has fewer than two dimensions.
        DtypeError: the input is not floating-point.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = feature_alpha_dropout(torch.ones(2, 8, 5), training=True)
        >>> bool((y == y[..., :1]).all())
        True

    References:
        Klambauer et al. 2017, arXiv:1706.02515, section 2.
    """
    probability = check_rate(p)
    if not training or never_drops(p):
        return input
    return saturate(input, probability, channel_mask(input, True), inplace, generator)
