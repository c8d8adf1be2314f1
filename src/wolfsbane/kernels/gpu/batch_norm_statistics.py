r"""Means and variances of channels on a GPU, in one pass: s bytes an element, nothing written.

A program adds up deviations from the mean m of its first block of 2048 values, in float32,

$$\mu = m + \frac{\sum (x - m)}{n}, \quad
  M_2 = \sum (x - m)^2 - \frac{(\sum (x - m))^2}{n},$$

and float64 from there on: the difference, and the merge of programs. The difference cancels little
whatever the data: the first block is part of the sum, so the second term is at most B - 1 times
M_2, where B is the number of the program's blocks, a few dozen. (Deviations between groups alone
give M_2 >= n_1 (n - n_1) / n d^2, for the distance d of the first block's mean from that of the
others; and the second term is ((n - n_1) d)^2 / n.) Mean 1e5 and sigma 1 is then as good as mean 0.

Where the first block's deviations are beyond 2^40, all are shrunk by 2^-80, so that squares of
numbers up to 1e38 stay finite. (A later block beyond 1e19, after a first not beyond 2^40, has
a variance of infinity.) Which blocks are a program's depends on the shape alone.
"""

import triton
import triton.language as tl

from wolfsbane.kernels.gpu.channel import finish_statistics
from wolfsbane.kernels.gpu.planes import plane_block
from wolfsbane.kernels.gpu.rows import row_block
from wolfsbane.kernels.gpu.sums import block_sum, column_sums

_LARGE = tl.constexpr(2.0**40)
_SHRINK = tl.constexpr(2.0**-80)


@triton.jit
def _store_moments(
    count,
    total,
    squares,
    pivot,
    shrink,
    split,
    splits,
    channel,
    in_range,
    channels,
    partials,
):
    """Store a program's count, mean and summed squared deviation."""
    mean, deviation = _moments(count, total, squares, pivot, shrink)
    place = split * channels + channel
    step = tl.cast(splits, tl.int64) * channels
    tl.store(partials + place, tl.zeros_like(mean) + count, mask=in_range)
    tl.store(partials + step + place, mean, mask=in_range)
    tl.store(partials + 2 * step + place, deviation, mask=in_range)


@triton.jit
def _moments(count, total, squares, pivot, shrink):
    """Return mean and summed squared deviation from those of shrunk deviations from a pivot."""
    total, squares = total.to(tl.float64), squares.to(tl.float64)
    stretch = 1.0 / shrink.to(tl.float64)
    away = total / count
    left = squares - total * away
    deviation = tl.where(left < 0.0, 0.0, left)
    return (pivot.to(tl.float64) + away) * stretch, deviation * stretch * stretch


@triton.jit
def _shrink_for(largest):
    return tl.where(largest > _LARGE, _SHRINK, tl.full(largest.shape, 1.0, tl.float32))


@triton.jit
def plane_statistics(
    x,
    partials,
    samples,
    channels,
    groups,
    splits,
    num_blocks,
    per_split,
    num_position_blocks,
    statistics,
    numbers,
    weight,
    bias,
    running_mean,
    running_var,
    eps,
    momentum,
    SAMPLES: tl.constexpr,
    POSITIONS: tl.constexpr,
    GROUP: tl.constexpr,
    INDEX: tl.constexpr,
    IS_ALONE: tl.constexpr,
    HAS_WEIGHT: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    HAS_RUNNING: tl.constexpr,
):
    """Add up a share of a channel's planes."""
    length = groups * GROUP
    program = tl.program_id(0)
    channel, split = (program % channels).to(tl.int64), (program // channels).to(tl.int64)
    first = (split * per_split).to(tl.int32)
    start, places, in_range, size = plane_block(
        first, channel, samples, channels, length, num_position_blocks, SAMPLES, POSITIONS, INDEX
    )
    value = tl.load(x + start + places, mask=in_range, other=0.0).to(tl.float32)
    pivot = block_sum(value / size)
    away = tl.where(in_range, tl.abs(value - pivot), 0.0)
    shrink = _shrink_for(tl.max(tl.max(away, axis=1), axis=0))
    pivot = pivot * shrink
    total = tl.where(in_range, value * shrink - pivot, 0.0)
    squares = total * total
    count = size.to(tl.float64)
    for block in range(first + 1, tl.minimum(first + per_split, num_blocks)):
        start, places, in_range, size = plane_block(
            block,
            channel,
            samples,
            channels,
            length,
            num_position_blocks,
            SAMPLES,
            POSITIONS,
            INDEX,
        )
        value = tl.load(x + start + places, mask=in_range, other=0.0).to(tl.float32)
        away = tl.where(in_range, value * shrink - pivot, 0.0)
        total += away
        squares += away * away
        count += size.to(tl.float64)
    total = block_sum(total)
    squares = block_sum(squares)
    if IS_ALONE:
        mean, deviation = _moments(count, total, squares, pivot, shrink)
        finish_statistics(
            count,
            mean,
            deviation,
            channel,
            channel < channels,
            channels,
            statistics,
            numbers,
            weight,
            bias,
            running_mean,
            running_var,
            eps,
            momentum,
            HAS_WEIGHT,
            HAS_BIAS,
            HAS_RUNNING,
        )
    else:
        _store_moments(
            count,
            total,
            squares,
            pivot,
            shrink,
            split,
            splits,
            channel,
            channel < channels,
            channels,
            partials,
        )


@triton.jit
def row_statistics(
    x,
    partials,
    num_rows,
    channels,
    splits,
    num_blocks,
    per_split,
    statistics,
    numbers,
    weight,
    bias,
    running_mean,
    running_var,
    eps,
    momentum,
    ROWS: tl.constexpr,
    CHANNELS: tl.constexpr,
    IS_ALONE: tl.constexpr,
    HAS_WEIGHT: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    HAS_RUNNING: tl.constexpr,
):
    """Add up a share of the rows of a block of channels."""
    split, channel = row_block(channels, CHANNELS)
    rows, columns = tl.arange(0, ROWS), tl.arange(0, CHANNELS)
    has_column = columns < channels - channel
    offsets = rows[:, None] * tl.cast(channels, tl.int64) + columns[None, :]
    first = split * per_split
    in_range = (rows < num_rows - first * ROWS)[:, None] & has_column[None, :]
    pointers = x + (first * ROWS * channels + channel) + offsets
    value = tl.load(pointers, mask=in_range, other=0.0).to(tl.float32)
    size = tl.minimum(num_rows - first * ROWS, ROWS).to(tl.float32)
    pivot = column_sums(value / size)
    away = tl.where(in_range, tl.abs(value - pivot[None, :]), 0.0)
    shrink = _shrink_for(tl.max(away, axis=0))
    pivot = pivot * shrink
    total = tl.where(in_range, value * shrink[None, :] - pivot[None, :], 0.0)
    squares = total * total
    last = tl.minimum(first + per_split, num_blocks)
    for block in range(first + 1, last):
        row = block * ROWS
        in_range = (rows < num_rows - row)[:, None] & has_column[None, :]
        pointers = x + (row * channels + channel) + offsets
        value = tl.load(pointers, mask=in_range, other=0.0).to(tl.float32)
        away = tl.where(in_range, value * shrink[None, :] - pivot[None, :], 0.0)
        total += away
        squares += away * away
    count = (tl.minimum(last * ROWS, num_rows) - first * ROWS).to(tl.float64)
    total, squares = column_sums(total), column_sums(squares)
    if IS_ALONE:
        mean, deviation = _moments(count, total, squares, pivot, shrink)
        finish_statistics(
            count,
            mean,
            deviation,
            channel + columns,
            has_column,
            channels,
            statistics,
            numbers,
            weight,
            bias,
            running_mean,
            running_var,
            eps,
            momentum,
            HAS_WEIGHT,
            HAS_BIAS,
            HAS_RUNNING,
        )
    else:
        _store_moments(
            count,
            total,
            squares,
            pivot,
            shrink,
            split,
            splits,
            channel + columns,
            has_column,
            channels,
            partials,
        )
