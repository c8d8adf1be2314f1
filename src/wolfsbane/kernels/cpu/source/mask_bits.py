"""The mask of many tiles, where what uses it does not go through memory in logical order.

Writes 1/8 byte an element. Temporary: it is made again in backward.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from wolfsbane.kernels.cpu.signatures import BLOCK, MASK_BITS
from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    INLINED,
    claim_chunk,
    load_i64,
    scratch_load_u8,
    scratch_store_u8,
)
from wolfsbane.kernels.cpu.source.philox import LANES, keep_tile

__all__ = ["COMPILED", "bit_number", "build", "byte_offset", "run_length", "unpack_block"]

at = MASK_BITS.positions

_RUN_SHIFT, _TILE_SHIFT = 7, 10
_LANE_MASK, _RUN_MASK = 127, 7


@njit(**INLINED)
def run_length(index):
    """Return how many elements from a logical index on lie in the same run of 128."""
    return LANES - (index & _LANE_MASK)


@njit(**INLINED)
def byte_offset(index):
    """Return where the mask byte of a logical index lies."""
    return (index >> _TILE_SHIFT) * LANES + (index & _LANE_MASK)


@njit(**INLINED)
def bit_number(index):
    """Return which bit of its mask byte a logical index has."""
    return (index >> _RUN_SHIFT) & _RUN_MASK


@njit(**COMPILED)
def unpack(bits, index, length, keep, step):
    """Write a byte, 0 or 1, for each of `length` logical neighbours, at every `step`th address."""
    done = 0
    while done < length:
        size = min(run_length(index + done), length - done)
        first = bits + byte_offset(index + done)
        bit = np.uint8(bit_number(index + done))
        for i in range(size):
            is_kept = (scratch_load_u8(first, i) >> bit) & np.uint8(1)
            scratch_store_u8(keep, (done + i) * step, is_kept)
        done += size


@njit(**COMPILED)
def unpack_block(mask, keep, first, width, row, height):
    """Write the mask of a block of rows (N S) by channels, one byte an element, BLOCK to a row.

    `mask` is the address of the mask's bytes, C and S. The logical order is (N, C, S).
    """
    bits, channels, length = mask
    if length == 1:
        for i in range(height):
            unpack(bits, (row + i) * channels + first, width, keep + i * BLOCK, 1)
        return
    done = 0
    while done < height:
        sample, position = (row + done) // length, (row + done) % length
        size = min(height - done, length - position)
        index = (sample * channels + first) * length + position
        for i in range(width):
            unpack(bits, index + i * length, size, keep + done * BLOCK + i, BLOCK)
        done += size


def build() -> Callable[[int], None]:
    """Return the kernel."""

    def kernel(args):
        bits, num_tiles = load_i64(args, at.bits), load_i64(args, at.num_tiles)
        first_tile, step = load_i64(args, at.first_tile), load_i64(args, at.tiles_per_chunk)
        key, threshold = load_i64(args, at.key), load_i64(args, at.threshold)
        chunk = claim_chunk(args)
        while chunk >= 0:
            for tile in range(chunk * step, min((chunk + 1) * step, num_tiles)):
                keep_tile(bits + tile * LANES, first_tile + tile, key, threshold)
            chunk = claim_chunk(args)

    return kernel
