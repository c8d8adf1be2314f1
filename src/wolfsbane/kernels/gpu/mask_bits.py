"""The bits of a mask, an eighth of a byte an element: scratch for kernels that do not run in tiles.

Bit j of byte 128 t + lane says whether element 1024 t + 128 j + lane is kept: a byte is what one
Philox block gives. Nothing is read; an eighth of a byte an element is written.
"""

from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from wolfsbane.kernels.gpu.launch import PER_CALL, Mask, launch, mask_of
from wolfsbane.kernels.gpu.philox import BITS, LANES, NO_MASK, PHILOX, TILE, is_kept, tile_words

TILES = 8
"""Eight lanes for each of 128 threads: a store of eight bytes."""

SMALL = 1 << 20
"""Elements below which each computes its own Philox block: 4 us on an H200, less than a launch."""


@triton.jit(do_not_specialize=PER_CALL)
def _mask_bits(bits, key_low, key_high, cut, first, TILES: tl.constexpr):
    program = tl.program_id(0).to(tl.int64)
    start = (program + first) * (TILES * TILE)
    words = tile_words(start, key_low, key_high, TILES, LANES)
    byte = tl.zeros((TILES, LANES), dtype=tl.int32)
    for row in tl.static_range(8):
        byte |= is_kept(words, row, cut).to(tl.int32) << row
    places = tl.arange(0, TILES)[:, None] * LANES + tl.arange(0, LANES)[None, :]
    # No mask: the scratch is as long as all programs' tiles.
    tl.store(bits + program * (TILES * LANES) + places, byte.to(tl.uint8))


def mask_bits(size: int, p: float, key: int, like: Tensor, start: int = 0) -> tuple[Tensor, int]:
    """Return bits of a mask, and the place among them of the element `start`.

    They begin and end with a program's tiles, around the `size` elements from `start` on.
    """
    first, place = divmod(start, TILE.value * TILES)
    num_programs = -((place + size) // -(TILE.value * TILES))
    bits = torch.empty(num_programs * TILES * LANES.value, dtype=torch.uint8, device=like.device)
    launch(_mask_bits, num_programs, like, bits, *mask_of(p, key, first), TILES=TILES)
    return bits, place


class Source(NamedTuple):
    """Where kernels have the mask of an element from."""

    bits: Tensor
    """What stands here is not read where it is not `philox.BITS`."""
    kind: int
    """`philox.NO_MASK`, `philox.PHILOX` or `philox.BITS`."""
    mask: Mask


def source_of(decisions: int, size: int, p: float, key: int, start: int, like: Tensor) -> Source:
    """Return where an operation on `size` elements has its mask from."""
    if p == 0.0:
        return Source(like, NO_MASK, mask_of(p, key))
    if size <= SMALL:
        return Source(like, PHILOX, mask_of(p, key, start))
    bits, place = mask_bits(decisions, p, key, like, start)
    return Source(bits, BITS, mask_of(p, key, place))
