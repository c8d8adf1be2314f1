"""Dropouts whose draws are no plain masks: noise, relaxed masks, blocks, tokens.

The numbers of a sample are what the public function itself makes of ones (or zeros), with a
generator that the sample's number seeds. They are then applied to the tensor, in one operation for
all samples of a pass. So every strategy gives a sample the same numbers, and with one fixed mask a
sample the numbers are made for one row.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.functional.broadcast_dims import positive_dims, shared_mask
from wolfsbane.functional.concrete_dropout import TEMPERATURE
from wolfsbane.functional.masking import dtype_error
from wolfsbane.functional.token_dropout import num_tokens_kept, take_tokens
from wolfsbane.kernels.reference import HALF_PRECISION
from wolfsbane.mask.rate import Rate, check_rate, never_drops
from wolfsbane.uncertainty.masks import Masks


def gaussian_dropout(masks: Masks, input: Tensor, p: Rate = 0.5, *_: Any, **__: Any) -> Tensor:
    """Multiply by noise of mean 1."""
    F.gaussian_dropout(input, p, False)
    if never_drops(check_rate(p)):
        return input
    return _multiplied(masks, input, tuple(input.shape), partial(F.gaussian_dropout, p=p))


def gaussian_noise(masks: Masks, input: Tensor, std: float = 0.1, *_: Any, **__: Any) -> Tensor:
    """Add noise of mean 0."""
    F.gaussian_noise(input, std, False)
    if std == 0:
        return input
    if not input.is_floating_point():
        raise dtype_error(input)

    def terms(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        zeros = torch.zeros(shape, dtype=_wide_dtype(input), device=input.device)
        return F.gaussian_noise(zeros, std, generator=generator)

    wide = input.to(_wide_dtype(input))
    return (wide + masks.numbers(input, tuple(input.shape), terms)).to(input.dtype)


def concrete_dropout(
    masks: Masks,
    input: Tensor,
    logit: Tensor,
    temperature: float = TEMPERATURE,
    training: bool = True,  # noqa: ARG001
    *,
    broadcast_dims: Sequence[int] = (),
    **_: Any,
) -> Tensor:
    """Multiply by a relaxed mask."""
    F.concrete_dropout(input, logit, temperature, False, broadcast_dims=broadcast_dims)
    shape = shared_mask(input, positive_dims(broadcast_dims, input.dim()))
    logit = logit.detach()

    def factors(ones: Tensor, generator: torch.Generator) -> Tensor:
        return F.concrete_dropout(ones, logit, temperature, generator=generator)

    return _multiplied(masks, input, shape, factors)


def drop_block(function: Callable[..., Tensor], num_dims: int) -> Callable[..., Tensor]:
    """Return the handler of a DropBlock function of maps with so many dimensions."""

    def handle(
        masks: Masks, input: Tensor, p: Rate = 0.1, block_size: int = 7, *_: Any, **__: Any
    ) -> Tensor:
        function(input, p, block_size, False)
        if never_drops(check_rate(p)) or input.numel() == 0:
            return input
        maps = input if input.dim() == num_dims + 2 else input.unsqueeze(0)
        drop = partial(function, p=p, block_size=block_size)
        return _multiplied(masks, maps, tuple(maps.shape), drop).reshape(input.shape)

    return handle


def token_dropout(
    masks: Masks,
    input: Tensor,
    p: float = 0.5,
    training: bool = True,  # noqa: ARG001
    *,
    num_prefix_tokens: int = 1,
    return_indices: bool = False,
    **_: Any,
) -> Tensor | tuple[Tensor, Tensor | None]:
    """Take tokens out of sequences."""
    F.token_dropout(input, p, False, num_prefix_tokens=num_prefix_tokens)
    num_tokens = input.size(1) - num_prefix_tokens
    if num_tokens_kept(num_tokens, float(p)) == num_tokens:
        return (input, None) if return_indices else input

    def indices(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        tokens = torch.empty(shape, device=input.device)
        options: Any = {"num_prefix_tokens": 0, "return_indices": True, "generator": generator}
        kept = F.token_dropout(tokens, p, **options)[1]
        assert kept is not None
        return kept

    kept = masks.numbers(input, (input.size(0), num_tokens), indices).expand(input.size(0), -1)
    output = take_tokens(input, kept, num_prefix_tokens)
    return (output, kept) if return_indices else output


def locked_dropout(
    masks: Masks,
    input: Tensor,
    p: Rate = 0.5,
    training: bool = True,  # noqa: ARG001
    inplace: bool = False,  # noqa: ARG001
    *,
    batch_first: bool = False,
    **_: Any,
) -> Tensor:
    """Zero features, the same at every step; the batch may be the second dimension."""
    F.locked_dropout(input, p, False, batch_first=batch_first)
    if input.dim() == 2:  # noqa: PLR2004  # (L, D)
        return masks.zero(input, p, shared_mask(input, (0,)))
    first = input if batch_first else input.transpose(0, 1)
    output = masks.zero(first, p, shared_mask(first, (1,)))
    return output if batch_first else output.transpose(0, 1)


def _multiplied(
    masks: Masks, input: Tensor, shape: tuple[int, ...], drop: Callable[..., Tensor]
) -> Tensor:
    """Multiply by what a dropout makes of ones; select, for a dropped inf or nan is gone."""
    if not (input.is_floating_point() or input.is_complex()):
        raise dtype_error(input)
    dtype = _wide_dtype(input)

    def factors(one: tuple[int, ...], generator: torch.Generator) -> Tensor:
        real = dtype.to_real() if dtype.is_complex else dtype
        return drop(torch.ones(one, dtype=real, device=input.device), generator=generator)

    factor = masks.numbers(input, shape, factors)
    return torch.where(factor != 0, input.to(dtype) * factor, 0.0).to(input.dtype)


def _wide_dtype(input: Tensor) -> torch.dtype:
    return torch.float32 if input.dtype in HALF_PRECISION else input.dtype
