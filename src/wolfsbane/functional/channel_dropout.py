"""Dropout of whole channels: one decision per (sample, channel)."""

import warnings

import torch
from torch import Tensor

from wolfsbane.errors import ShapeError, WolfsbaneWarning
from wolfsbane.functional.masking import channel_mask, zero
from wolfsbane.functional.override import overridable
from wolfsbane.mask.rate import Rate, check_rate, never_drops


@overridable
def dropout1d(
    input: Tensor,
    p: Rate = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Zero whole channels of a sequence with probability p, and scale up the rest.

    One decision is made per (sample, channel). Otherwise as `dropout`.

    Args:
        input: floating-point or complex tensor.
        p: probability of a channel to be zeroed, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: True.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, C, L) or (C, L), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        ShapeError: the input is not 2-D or 3-D.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = dropout1d(torch.ones(2, 8, 5))
        >>> bool((y == y[..., :1]).all())  # a channel is kept or dropped as a whole
        True

    References:
        Tompson et al. 2015, arXiv:1411.4280.
    """
    probability = check_rate(p)
    if input.dim() not in {2, 3}:
        raise ShapeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. It drops "
            "channels of (N, C, L) or (C, L): use dropout for single elements, dropout2d for "
            "(N, C, H, W)"
        )
    if not training or never_drops(p):
        return input
    return _zero_channels(input, probability, input.dim() == 3, inplace, generator)  # noqa: PLR2004


@overridable
def dropout2d(
    input: Tensor,
    p: Rate = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Zero whole channels of images with probability p, and scale up the rest.

    One decision is made per (sample, channel). Otherwise as `dropout`. As in torch, a 3-D input
    is read as (N, C, L), with a warning: it may have been meant as one image (C, H, W).

    Args:
        input: floating-point or complex tensor.
        p: probability of a channel to be zeroed, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: True.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, C, H, W) or (N, C, L), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        ShapeError: the input has fewer than two dimensions.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = dropout2d(torch.ones(2, 8, 5, 5))
        >>> bool((y == y[..., :1, :1]).all())
        True

    References:
        Tompson et al. 2015, arXiv:1411.4280.
    """
    probability = check_rate(p)
    if input.dim() == 3:  # noqa: PLR2004
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
            f"behavior is desired: {tuple(input.shape)} is read as (N, C, L). For (N, C, L) use "
            "dropout1d; one image (C, H, W) needs a batch dimension: input.unsqueeze(0)",
            WolfsbaneWarning,
            stacklevel=3,
        )
    elif input.dim() != 4:  # noqa: PLR2004
        _warn_about_dims("dropout2d", input, "(N, C, H, W)")
    if not training or never_drops(p):
        return input
    return _zero_channels(input, probability, True, inplace, generator)


@overridable
def dropout3d(
    input: Tensor,
    p: Rate = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Zero whole channels of volumes with probability p, and scale up the rest.

    One decision is made per (sample, channel). Otherwise as `dropout`.

    Args:
        input: floating-point or complex tensor.
        p: probability of a channel to be zeroed, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: True.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, C, D, H, W) or (C, D, H, W), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        ShapeError: the input has no dimensions.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = dropout3d(torch.ones(2, 8, 5, 5, 5))
        >>> bool((y == y[..., :1, :1, :1]).all())
        True

    References:
        Tompson et al. 2015, arXiv:1411.4280.
    """
    probability = check_rate(p)
    if input.dim() not in {4, 5}:
        _warn_about_dims("dropout3d", input, "(N, C, D, H, W) or (C, D, H, W)")
    if not training or never_drops(p):
        return input
    return _zero_channels(input, probability, input.dim() == 5, inplace, generator)  # noqa: PLR2004


def _zero_channels(
    input: Tensor, p: Rate, batched: bool, inplace: bool, generator: torch.Generator | None
) -> Tensor:
    return zero(input, p, channel_mask(input, batched), inplace, generator)


def _warn_about_dims(name: str, input: Tensor, expected: str) -> None:
    warnings.warn(
        f"{name}: Received a {input.dim()}-D input to {name}, which is deprecated and will result "
        f"in an error in a future release. It drops channels of {expected}; for single elements "
        "use dropout",
        WolfsbaneWarning,
        stacklevel=4,
    )
