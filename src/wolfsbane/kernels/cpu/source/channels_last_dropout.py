"""Dropout of single elements, channels-last.

Memory is (N, S, C), and the mask's logical order (N, C, S). The mask's bytes are given; a block of
64 positions by 64 channels is unpacked at a time. Moves 2s bytes an element.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from wolfsbane.kernels.cpu.signatures import BLOCK, CHANNELS_LAST_DROPOUT
from wolfsbane.kernels.cpu.source.mask_bits import unpack_block
from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    ELEMENTS,
    claim_chunk,
    load_f64,
    load_i64,
    scratch_load_u8,
    stack,
)

__all__ = ["COMPILED", "build"]

at = CHANNELS_LAST_DROPOUT.positions
keep_bytes = stack(BLOCK * BLOCK)


def build(dtype: str) -> Callable[[int], None]:
    """Return the kernel for a dtype."""
    load, store, real, _ = ELEMENTS[dtype]

    @njit(**COMPILED)
    def apply_row(args, offset, keep, width):
        x, y = load_i64(args, at.x), load_i64(args, at.y)
        scale, shift = real(load_f64(args, at.scale)), real(load_f64(args, at.shift))
        fill = real(load_f64(args, at.fill))
        for i in range(width):
            value = load(x, offset + i) * scale + shift
            store(y, offset + i, value if scratch_load_u8(keep, i) != np.uint8(0) else fill)

    def kernel(args):
        channels, length = load_i64(args, at.channels), load_i64(args, at.length)
        mask = load_i64(args, at.bits), channels, length
        rows, keep = load_i64(args, at.samples) * length, keep_bytes()
        chunk = claim_chunk(args)
        while chunk >= 0:
            row = chunk * BLOCK
            height = min(BLOCK, rows - row)
            for first in range(0, channels, BLOCK):
                width = min(BLOCK, channels - first)
                unpack_block(mask, keep, first, width, row, height)
                for i in range(height):
                    offset = (row + i) * channels + first
                    apply_row(args, offset, keep + i * BLOCK, width)
            chunk = claim_chunk(args)

    return kernel
