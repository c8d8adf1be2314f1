"""Sums over a block, in float32 and in a fixed order.

A GPU adds up what a thread holds, then pairs of threads: a tree, whose error hardly grows. NumPy,
which interprets kernels, adds a column from top to bottom, and does so in float64 here instead.
"""

import triton
import triton.language as tl

_IS_INTERPRETED = tl.constexpr(triton.knobs.runtime.interpret)


@triton.jit
def column_sums(values):
    """Return the sums of the columns of (R, C)."""
    if _IS_INTERPRETED:
        values = values.to(tl.float64)
    return tl.sum(values, axis=0).to(tl.float32)


@triton.jit
def block_sum(values):
    """Return the sum of all of (R, C)."""
    if _IS_INTERPRETED:
        values = values.to(tl.float64)
    return tl.sum(tl.sum(values, axis=1), axis=0).to(tl.float32)
