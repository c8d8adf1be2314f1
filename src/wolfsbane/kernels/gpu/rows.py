"""Blocks of memory that lies as rows of channels (N, S, C), and the mask's indices in them."""

from typing import NamedTuple

import triton
import triton.language as tl

from wolfsbane.kernels.gpu.philox import BITS, keep_at

CHANNELS = 64
"""The most channels of a block: rows of 128 bytes at least, where there are as many."""

BLOCK = 2048
"""Elements of a block: 16 for each of 128 threads, as 32 would take over 200 registers of each."""

_SMALL_SPAN = 1 << 31

NUM_PROGRAMS = 1024
"""Wanted of a reduction: eight of 128 threads on each of an H200's 132 SMs, which is half of what
fits there, with 8 or 16 KiB asked of memory by each."""

ALONE = 16
"""Blocks that one program adds up alone, in about 5 us; programs to merge cost another launch."""

_BITS = tl.constexpr(BITS)


class Blocks(NamedTuple):
    """How rows of channels are cut into blocks."""

    rows: int
    channels: int
    num_row_blocks: int
    num_channel_blocks: int
    index: tl.dtype
    """Of indices that are counted from a block's first element."""

    @property
    def number(self) -> int:
        """Return the number of blocks."""
        return self.num_row_blocks * self.num_channel_blocks


def blocks_of(num_rows: int, channels: int, length: int) -> Blocks:
    """Cut `num_rows` rows of channels, `length` to a sample."""
    block_channels = min(CHANNELS, triton.next_power_of_2(channels))
    block_rows = min(BLOCK // block_channels, triton.next_power_of_2(num_rows))
    samples = block_rows // length + 2
    span = (samples + 1) * channels * length
    return Blocks(
        block_rows,
        block_channels,
        -(num_rows // -block_rows),
        -(channels // -block_channels),
        tl.int32 if span < _SMALL_SPAN else tl.int64,
    )


def splits_for(num_blocks: int, num_units: int, most: int = 1 << 16) -> tuple[int, int]:
    """Return how many programs share `num_blocks` blocks, and how many blocks each adds up.

    There are `num_units` channels, or blocks of channels, of so many blocks each. It depends on the
    shape alone, so a sum has the same bits on every device.
    """
    if num_blocks <= ALONE:
        return 1, num_blocks
    wanted = min(-(NUM_PROGRAMS // -num_units), most, num_blocks)
    per_split = -(num_blocks // -wanted)
    return -(num_blocks // -per_split), per_split


@triton.jit
def row_block(channels, CHANNELS: tl.constexpr):
    """Return this program's number among those of its channels, and its first channel: int64."""
    num_channel_blocks = tl.cdiv(channels, CHANNELS)
    block = tl.program_id(0).to(tl.int64)
    return block // num_channel_blocks, block % num_channel_blocks * CHANNELS


@triton.jit
def keep_rows(
    row,
    channel,
    rows,
    columns,
    in_range,
    channels,
    length,
    bits,
    key_low,
    key_high,
    cut,
    first,
    MASK: tl.constexpr,
    INDEX: tl.constexpr,
    IS_PER_CHANNEL: tl.constexpr,
):
    """Tell which elements of a block of rows are kept: (R, C).

    `row` and `channel` are its first, as int64; `rows` and `columns` are counted from there. A mask
    of (N, C) elements is per channel, too, with a length of one.
    """
    sample, position = row // length, row % length
    size = tl.cast(length, INDEX)
    stride = size
    if IS_PER_CHANNEL:
        stride = tl.cast(1, INDEX)
    within = tl.cast(position, INDEX) + rows.to(INDEX)
    base = (sample * channels + channel) * stride
    if not IS_PER_CHANNEL:
        base += position
    base = (base + first) >> 10 << 10
    # The first sample may begin before `base`.
    origin = tl.cast((sample * channels + channel) * stride + first - base, INDEX)
    of_row = origin + within // size * (tl.cast(channels, INDEX) * stride)
    if not IS_PER_CHANNEL:
        of_row += within % size
    offset = of_row[:, None] + columns.to(INDEX)[None, :] * stride
    if MASK == _BITS and not IS_PER_CHANNEL:
        # Positions are neighbours in the mask: threads side by side should read those.
        turned = keep_at(
            base, tl.trans(offset), tl.trans(in_range), bits, key_low, key_high, cut, MASK
        )
        kept = tl.trans(turned.to(tl.int8)) != 0
    else:
        kept = keep_at(base, offset, in_range, bits, key_low, key_high, cut, MASK)
    return kept
