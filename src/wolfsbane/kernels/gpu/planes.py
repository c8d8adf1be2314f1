"""Blocks of memory that lies as planes of positions (N, C, S), for sums over a channel."""

import math
from typing import NamedTuple

import triton
import triton.language as tl

BLOCK = 2048
"""Elements of a block: 16 for each of 128 threads, as 32 would take over 200 registers of each."""

_LEAST_POSITIONS = 64
_LARGEST_WASTE = 1.125
"""Of positions past a plane's end, in the last block of it: fewer positions a block waste less."""

_SMALL_SPAN = 1 << 31


_LARGEST_GROUP = 16


def group_of(length: int, start: int = 0) -> int:
    """Return how many neighbours, a power of two, lie in one run of `length` elements.

    They are loaded at once, and share what is computed for a run. `start` is the first element's
    place among those that groups are counted from.
    """
    return math.gcd(length, start, _LARGEST_GROUP)


class PlaneBlocks(NamedTuple):
    """How a channel is cut into blocks of samples and positions."""

    samples: int
    positions: int
    num_position_blocks: int
    number: int
    group: int
    """The largest power of two, up to 16, that divides a plane: so many are loaded at once."""
    index: tl.dtype
    """Of places that are counted from a block's first."""


def plane_blocks_of(samples: int, channels: int, length: int) -> PlaneBlocks:
    """Cut the planes of a channel."""
    positions = min(BLOCK, triton.next_power_of_2(length))
    while positions > _LEAST_POSITIONS:
        if -(length // -positions) * positions <= _LARGEST_WASTE * length:
            break
        positions //= 2
    block_samples = min(BLOCK // positions, triton.next_power_of_2(samples))
    num_position_blocks = -(length // -positions)
    return PlaneBlocks(
        block_samples,
        positions,
        num_position_blocks,
        num_position_blocks * -(samples // -block_samples),
        group_of(length),
        tl.int32 if block_samples * channels * length < _SMALL_SPAN else tl.int64,
    )


@triton.jit
def plane_block(
    block,
    channel,
    samples,
    channels,
    length,
    num_position_blocks,
    SAMPLES: tl.constexpr,
    POSITIONS: tl.constexpr,
    INDEX: tl.constexpr,
):
    """Return where a block of a channel's planes starts (int64), and places counted from there.

    And which of these are in range, and how many those are (float32).
    """
    sample = (block // num_position_blocks).to(tl.int64) * SAMPLES
    position = block % num_position_blocks * POSITIONS
    start = (sample * channels + channel) * length + position
    rows, columns = tl.arange(0, SAMPLES), tl.arange(0, POSITIONS)
    stride = tl.cast(channels, INDEX) * tl.cast(length, INDEX)
    places = (rows.to(INDEX) * stride)[:, None] + columns.to(INDEX)[None, :]
    in_range = (rows < samples - sample)[:, None] & (position + columns < length)[None, :]
    count = tl.minimum(samples - sample, SAMPLES) * tl.minimum(length - position, POSITIONS)
    return start, places, in_range, count.to(tl.float32)
