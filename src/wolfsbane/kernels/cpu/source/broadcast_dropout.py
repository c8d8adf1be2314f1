"""Dropout of whole channels or samples: one decision for many elements.

The input is (outer, middle, inner), contiguous, and the mask is (outer, 1, inner): inner is 1 for
contiguous (N, C, *), where outer counts channels, and C for channels-last. The mask's bytes are
given. Moves 2s bytes an element, s where dropped.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from wolfsbane.kernels.cpu.signatures import BROADCAST_DROPOUT
from wolfsbane.kernels.cpu.source.mask_bits import bit_number, byte_offset
from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    ELEMENTS,
    claim_chunk,
    load_f64,
    load_i64,
    scratch_load_u8,
    scratch_store_u8,
    stack,
)

__all__ = ["COMPILED", "build"]

at = BROADCAST_DROPOUT.positions

BLOCK = 256
"""Decisions about neighbouring elements that are unpacked at once."""

block_bytes = stack(BLOCK)


@njit(**COMPILED)
def is_kept(bits, index):
    """Return 1 where the element of a logical index is kept, else 0."""
    return (scratch_load_u8(bits, byte_offset(index)) >> np.uint8(bit_number(index))) & np.uint8(1)


def build(dtype: str) -> Callable[[int], None]:
    """Return the kernel for a dtype."""
    load, store, real, _ = ELEMENTS[dtype]

    @njit(**COMPILED)
    def apply_row(args, offset, keep):
        x, y = load_i64(args, at.x), load_i64(args, at.y)
        scale, shift = real(load_f64(args, at.scale)), real(load_f64(args, at.shift))
        fill = real(load_f64(args, at.fill))
        length = load_i64(args, at.middle)
        if keep != np.uint8(0):
            for i in range(offset, offset + length):
                store(y, i, load(x, i) * scale + shift)
        else:
            for i in range(offset, offset + length):
                store(y, i, fill)

    @njit(**COMPILED)
    def apply_block(args, keep, offset, length):
        x, y = load_i64(args, at.x), load_i64(args, at.y)
        scale, shift = real(load_f64(args, at.scale)), real(load_f64(args, at.shift))
        fill = real(load_f64(args, at.fill))
        for i in range(length):
            value = load(x, offset + i) * scale + shift
            store(y, offset + i, value if scratch_load_u8(keep, i) != np.uint8(0) else fill)

    @njit(**COMPILED)
    def apply_columns(args, keep, outer):
        bits, inner = load_i64(args, at.bits), load_i64(args, at.inner)
        middle = load_i64(args, at.middle)
        for first in range(0, inner, BLOCK):
            length = min(BLOCK, inner - first)
            for i in range(length):
                scratch_store_u8(keep, i, is_kept(bits, outer * inner + first + i))
            for row in range(outer * middle, (outer + 1) * middle):
                apply_block(args, keep, row * inner + first, length)

    def kernel(args):
        bits, inner = load_i64(args, at.bits), load_i64(args, at.inner)
        middle, outer = load_i64(args, at.middle), load_i64(args, at.outer)
        num_chunks = load_i64(args, at.num_chunks)
        keep = block_bytes()
        chunk = claim_chunk(args)
        while chunk >= 0:
            for item in range(chunk * outer // num_chunks, (chunk + 1) * outer // num_chunks):
                if inner == 1:
                    apply_row(args, item * middle, is_kept(bits, item))
                else:
                    apply_columns(args, keep, item)
            chunk = claim_chunk(args)

    return kernel
