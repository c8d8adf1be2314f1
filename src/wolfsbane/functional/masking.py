"""What all dropouts share: from a checked rate and a mask shape to the kernel."""

import torch
from torch import Tensor

from wolfsbane.errors import DtypeError, ShapeError
from wolfsbane.kernels.dropout import masked_affine
from wolfsbane.kernels.keys import draw
from wolfsbane.kernels.reference import Coefficients
from wolfsbane.kernels.transforms import is_transformed
from wolfsbane.mask import scale, threshold
from wolfsbane.mask.rate import LEVELS, Rate, drops_all
from wolfsbane.mask.shard import first_index

SELU_SATURATION = -1.7580993408473766
"""-lambda * alpha of SELU: the value that a dropped unit takes (arXiv:1706.02515, section 2)."""

CHANNEL_DIMS = 2
"""A channel mask covers (N, C): the first two dimensions."""


def zero(
    input: Tensor,
    p: Rate,
    mask_shape: tuple[int, ...],
    inplace: bool,
    generator: torch.Generator | None,
    is_of_all_ranks: bool = False,
) -> Tensor:
    """Zero what the mask drops, and scale up the rest.

    With `is_of_all_ranks` the mask is shared over the batch: `mask.shard` does not cut it up.
    """
    coefficients = zeroing(input, p)
    start = 0 if is_of_all_ranks else first_index(mask_shape)
    return _apply(input, p, mask_shape, coefficients, inplace, generator, start)


def saturate(
    input: Tensor,
    p: Rate,
    mask_shape: tuple[int, ...],
    inplace: bool,
    generator: torch.Generator | None,
) -> Tensor:
    """Set what the mask drops to SELU's saturation value, keeping mean and variance."""
    coefficients = saturating(input, p)
    return _apply(input, p, mask_shape, coefficients, inplace, generator, first_index(mask_shape))


def zeroing(input: Tensor, p: Rate) -> Coefficients:
    """Return (scale, shift, fill) of a dropout that zeroes, for `masked_affine`."""
    is_dropped = not isinstance(p, Tensor) and drops_all(p)
    # Torch, too, gives zeros of any dtype for p = 1.
    if not (is_dropped or input.is_floating_point() or input.is_complex()):
        raise dtype_error(input)
    return (0.0 if is_dropped else scale(p), 0.0, 0.0)


def saturating(input: Tensor, p: Rate) -> Coefficients:
    """Return (scale, shift, fill) of a dropout that saturates, for `masked_affine`."""
    cut = threshold(p)
    if not isinstance(cut, Tensor) and cut == LEVELS:
        return zeroing(input, p)
    if not input.is_floating_point():
        raise dtype_error(input)
    # The rate that the mask really has, so that mean and variance are kept exactly.
    true_p: Rate = cut / LEVELS
    a = ((1 - true_p) * (1 + true_p * SELU_SATURATION * SELU_SATURATION)) ** -0.5
    if isinstance(true_p, Tensor):
        a = torch.where(true_p < 1.0, a, 0.0)
    b = -a * true_p * SELU_SATURATION
    return (a, b, a * SELU_SATURATION + b)


def channel_mask(input: Tensor, batched: bool) -> tuple[int, ...]:
    """Return the mask shape (N, C, 1, ...), or (C, 1, ...) without a batch dimension."""
    masked_dims = CHANNEL_DIMS if batched else CHANNEL_DIMS - 1
    if input.dim() < masked_dims:
        raise ShapeError(
            "Feature dropout requires at least 2 dimensions in the input, but got "
            f"{tuple(input.shape)}. It drops channels of (N, C, *): use dropout for single elements"
        )
    return tuple(input.shape[:masked_dims]) + (1,) * (input.dim() - masked_dims)


def _apply(
    input: Tensor,
    p: Rate,
    mask_shape: tuple[int, ...],
    coefficients: Coefficients,
    inplace: bool,
    generator: torch.Generator | None,
    start: int,
) -> Tensor:
    if not inplace or is_transformed():
        key = draw(generator, input)
        output = masked_affine(input, p, key, mask_shape, coefficients, start)
        return input.copy_(output) if inplace else output
    source = torch.default_generator if generator is None else generator
    state = source.get_state()
    key = draw(generator, input)
    output = masked_affine(input, p, key, mask_shape, coefficients, start)
    try:
        # copy_ refuses leaves, their views and overlapping memory before it writes.
        return input.copy_(output)
    except RuntimeError:
        source.set_state(state)
        raise


def dtype_error(input: Tensor) -> DtypeError:
    """Return what is raised where a dropout is given integers."""
    return DtypeError(
        f"result type Float can't be cast to the desired output type {input.dtype}: dropout scales "
        "what it keeps, so it needs a floating-point input. Convert it: input.float()"
    )
