"""Normal noise z of single elements, contiguous: y = x (1 + std z), or y = x + std z.

Moves 2s bytes an element, s being the dtype's size. float32 and bfloat16 are computed in float32,
the noise too; float64 in float64. A tile's words are made on the stack, 2 KiB, then its four runs
of 128 elements are written.
"""

from collections.abc import Callable

from numba import njit

from wolfsbane.kernels.cpu.signatures import GAUSSIAN
from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    ELEMENTS,
    claim_chunk,
    load_f64,
    load_i64,
    scratch_load_u32,
    stack,
)
from wolfsbane.kernels.cpu.source.normal import quantile
from wolfsbane.kernels.cpu.source.philox import LANES, WORDS, word_tile

__all__ = ["COMPILED", "build"]

at = GAUSSIAN.positions
_WORD_BYTES = 4
_STREAM = 2
tile_words = stack(WORDS * LANES * _WORD_BYTES)


def build(dtype: str, is_factor: bool) -> Callable[[int], None]:
    """Return the kernel for a dtype, whose noise is a factor or is added."""
    element = ELEMENTS[dtype]
    load, store, real = element.load, element.store, element.real
    normal, one = quantile(element.is_double), element.real(1.0)

    @njit(**COMPILED)
    def apply_run(args, words, offset, length):
        x, y = load_i64(args, at.x), load_i64(args, at.y)
        std = real(load_f64(args, at.std))
        for i in range(length):
            noise = std * normal(scratch_load_u32(words, i))
            value = load(x, offset + i)
            store(y, offset + i, value * (one + noise) if is_factor else value + noise)

    @njit(**COMPILED)
    def apply_tile(args, words, tile):
        start, end = load_i64(args, at.start), load_i64(args, at.end)
        for j in range(WORDS):
            first = (tile * WORDS + j) * LANES
            low, high = max(first, start), min(first + LANES, end)
            row = words + j * LANES * _WORD_BYTES
            if high - low == LANES:  # apart, so that the loop's length is a constant
                apply_run(args, row, low - start, LANES)
            elif high > low:
                apply_run(args, row + (low - first) * _WORD_BYTES, low - start, high - low)

    def kernel(args):
        start, end = load_i64(args, at.start), load_i64(args, at.end)
        key, step = load_i64(args, at.key), load_i64(args, at.tiles_per_chunk)
        words = tile_words()
        size = WORDS * LANES
        first_tile, num_tiles = start // size, (end + size - 1) // size
        chunk = claim_chunk(args)
        while chunk >= 0:
            begin = first_tile + chunk * step
            for tile in range(begin, min(begin + step, num_tiles)):
                word_tile(words, tile, key, _STREAM)
                apply_tile(args, words, tile)
            chunk = claim_chunk(args)

    return kernel
