"""Dropout of single elements, contiguous: y = scale x + shift where kept, fill where dropped.

Moves 2s bytes an element, s being the dtype's size. float32 and bfloat16 are computed in float32.
A tile's mask bytes are made on the stack, then its eight runs of 128 elements are written. With a
residual r, y = scale x + r where kept and r where dropped; 3s bytes.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from wolfsbane.kernels.cpu.signatures import DROPOUT
from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    ELEMENTS,
    claim_chunk,
    load_f64,
    load_i64,
    scratch_load_u8,
    stack,
)
from wolfsbane.kernels.cpu.source.philox import LANES, TILE, keep_tile

__all__ = ["COMPILED", "build"]

at = DROPOUT.positions
tile_bits = stack(LANES)


def build(dtype: str, kind: str) -> Callable[[int], None]:
    """Return the kernel for a dtype and a kind: "zeroing", "affine" or "residual"."""
    load, store, real, _ = ELEMENTS[dtype]
    is_affine, has_residual = kind == "affine", kind == "residual"

    @njit(**COMPILED)
    def apply_run(args, bits, offset, length, bit):
        x, y, residual = load_i64(args, at.x), load_i64(args, at.y), load_i64(args, at.residual)
        scale, shift = real(load_f64(args, at.scale)), real(load_f64(args, at.shift))
        fill = real(load_f64(args, at.fill))
        for i in range(length):
            is_kept = (scratch_load_u8(bits, i) & bit) != np.uint8(0)
            value = load(x, offset + i) * scale
            if is_affine:
                value += shift
            value = value if is_kept else fill
            if has_residual:
                value += load(residual, offset + i)
            store(y, offset + i, value)

    @njit(**COMPILED)
    def apply_tile(args, bits, tile):
        start, end = load_i64(args, at.start), load_i64(args, at.end)
        for j in range(TILE // LANES):
            first = tile * TILE + j * LANES
            low, high = max(first, start), min(first + LANES, end)
            bit = np.uint8(1 << j)
            if high - low == LANES:  # apart, so that the loop's length is a constant
                apply_run(args, bits, low - start, LANES, bit)
            elif high > low:
                apply_run(args, bits + low - first, low - start, high - low, bit)

    def kernel(args):
        start, end = load_i64(args, at.start), load_i64(args, at.end)
        key, threshold = load_i64(args, at.key), load_i64(args, at.threshold)
        step = load_i64(args, at.tiles_per_chunk)
        bits = tile_bits()
        first_tile, num_tiles = start // TILE, (end + TILE - 1) // TILE
        chunk = claim_chunk(args)
        while chunk >= 0:
            begin = first_tile + chunk * step
            for tile in range(begin, min(begin + step, num_tiles)):
                keep_tile(bits, tile, key, threshold)
                apply_tile(args, bits, tile)
            chunk = claim_chunk(args)

    return kernel
