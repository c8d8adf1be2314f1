"""Dropout on a GPU: y = keep ? scale x + shift : fill, and keep ? scale x + residual : residual.

Moves 2s bytes an element (3s with a residual), s of its dtype; computes in float32 and rounds once.
A program is TILES whole tiles of the mask, so eight elements share a Philox block; see `philox`.
Where a mask is broadcast, or channels are innermost in memory, other kernels do it
(`broadcast_dropout`, `channels_last_dropout`), which mostly move another eighth of a byte.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from wolfsbane.kernels.dropout_layouts import DropoutKernels
from wolfsbane.kernels.gpu.broadcast_dropout import broadcast
from wolfsbane.kernels.gpu.channels_last_dropout import channels_last
from wolfsbane.kernels.gpu.launch import PER_CALL, launch, mask_of
from wolfsbane.kernels.gpu.philox import (
    LANES,
    TILE,
    is_kept,
    lane_offsets,
    load_rows,
    store_row,
    tile_words,
    tiles_of_program,
)

_VECTOR_BYTES = 16
NUM_WARPS = 4


def tiles_for(tensor: Tensor, group: int = _VECTOR_BYTES) -> int:
    """Return the tiles of a program: each of its 128 threads loads 16 bytes of each row at once.

    Where fewer neighbours than that are together, more tiles would only take more registers.
    """
    return (
        _VECTOR_BYTES // 4 if group < _VECTOR_BYTES // 2 else _VECTOR_BYTES // tensor.element_size()
    )


def num_programs(size: int, start: int, tiles: int) -> int:
    """Return how many programs cover a mask's elements from `start` on."""
    block = TILE.value * tiles
    num_blocks: int = -((start % block + size) // -block)
    return num_blocks


@triton.jit(do_not_specialize=PER_CALL)
def _dropout(
    x,
    y,
    residual,
    size,
    key_low,
    key_high,
    cut,
    first,
    scale,
    shift,
    fill,
    TILES: tl.constexpr,
    HAS_RESIDUAL: tl.constexpr,
    HAS_START: tl.constexpr,
):
    start, place, low, high = tiles_of_program(size, first, TILES, HAS_START)
    x, y, residual = x + place, y + place, residual + place
    # Only a block that is known to be whole is moved 16 bytes at a time whatever the size.
    if high - low == TILES * TILE:
        _drop(
            x,
            y,
            residual,
            0,
            TILES * TILE,
            start,
            key_low,
            key_high,
            cut,
            scale,
            shift,
            fill,
            TILES,
            HAS_RESIDUAL,
        )
    else:
        _drop(
            x,
            y,
            residual,
            low,
            high,
            start,
            key_low,
            key_high,
            cut,
            scale,
            shift,
            fill,
            TILES,
            HAS_RESIDUAL,
        )


@triton.jit
def _drop(
    x,
    y,
    residual,
    low,
    high,
    start,
    key_low,
    key_high,
    cut,
    scale,
    shift,
    fill,
    TILES: tl.constexpr,
    HAS_RESIDUAL: tl.constexpr,
):
    offsets = lane_offsets(TILES, LANES)
    rows = load_rows(x, offsets, low, high)
    if HAS_RESIDUAL:
        others = load_rows(residual, offsets, low, high)
    words = tile_words(start, key_low, key_high, TILES, LANES)
    for row in tl.static_range(8):
        kept = is_kept(words, row, cut)
        value = rows[row].to(tl.float32) * scale
        if HAS_RESIDUAL:
            other = others[row].to(tl.float32)
            value = tl.where(kept, value + other, other)
        else:
            value = tl.where(kept, value + shift, fill)
        store_row(y, offsets, low, high, row, value)


def _element_wise(
    input: Tensor,
    residual: Tensor | None,
    p: float,
    key: int,
    coefficients: tuple[float, float, float],
    start: int,
) -> Tensor:
    output = torch.empty_like(input)
    size, tiles = input.numel(), tiles_for(input)
    launch(
        _dropout,
        num_programs(size, start, tiles),
        input,
        input,
        output,
        input if residual is None else residual,
        size,
        *mask_of(p, key, start),
        *coefficients,
        TILES=tiles,
        HAS_RESIDUAL=residual is not None,
        HAS_START=start > 0,
        num_warps=NUM_WARPS,
    )
    return output


_kernels = DropoutKernels(_element_wise, channels_last, broadcast)
masked_affine, dropout_add = _kernels.masked_affine, _kernels.dropout_add
