r"""The two sums of batch norm's gradient on a GPU: of dz, and of dz (x - mean) / sqrt(var + eps).

$$dz = \mathrm{keep} \cdot s \cdot g \cdot \mathrm{act}'(z), \quad z = (x - m) a + b$$

Reads 2s bytes an element, and an eighth of a byte of the mask where the input is large; writes
nothing. Adds up in float32 a program's blocks of 2048, in float64 the programs. The sums are the
gradients of bias and weight, and what the input's gradient needs.
"""

import triton
import triton.language as tl

from wolfsbane.kernels.gpu.activations import derivative
from wolfsbane.kernels.gpu.channel import finish_gradients, normalisation, rounded
from wolfsbane.kernels.gpu.launch import PER_CALL
from wolfsbane.kernels.gpu.philox import NO_MASK, keep_at
from wolfsbane.kernels.gpu.planes import plane_block
from wolfsbane.kernels.gpu.rows import keep_rows, row_block
from wolfsbane.kernels.gpu.sums import block_sum, column_sums

_NO_MASK = tl.constexpr(NO_MASK)


@triton.jit
def _store_sums(sum_grad, sum_product, split, splits, channel, in_range, channels, partials):
    place = split * channels + channel
    step = tl.cast(splits, tl.int64) * channels
    tl.store(partials + place, sum_grad.to(tl.float64), mask=in_range)
    tl.store(partials + step + place, sum_product.to(tl.float64), mask=in_range)


@triton.jit(do_not_specialize=PER_CALL)
def plane_gradients(
    x,
    grad,
    bits,
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
    gradients,
    eps,
    key_low,
    key_high,
    cut,
    first,
    scale,
    parameter,
    SAMPLES: tl.constexpr,
    POSITIONS: tl.constexpr,
    GROUP: tl.constexpr,
    INDEX: tl.constexpr,
    IS_ALONE: tl.constexpr,
    HAS_WEIGHT: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    USES_BATCH: tl.constexpr,
    ACTIVATION: tl.constexpr,
    MASK: tl.constexpr,
):
    """Add up a share of a channel's planes."""
    length = groups * GROUP
    program = tl.program_id(0)
    channel, split = (program % channels).to(tl.int64), (program // channels).to(tl.int64)
    has_channel = channel < channels
    mean, rstd, gamma, beta = normalisation(
        statistics, weight, bias, channel, has_channel, channels, eps, HAS_WEIGHT, HAS_BIAS
    )
    near, slope, shift = rounded(mean, rstd, gamma, beta)
    rstd = rstd.to(tl.float32)
    sum_grad = tl.zeros((SAMPLES, POSITIONS), dtype=tl.float32)
    sum_product = tl.zeros((SAMPLES, POSITIONS), dtype=tl.float32)
    begin = (split * per_split).to(tl.int32)
    for block in range(begin, tl.minimum(begin + per_split, num_blocks)):
        start, places, in_range, _size = plane_block(
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
        away = tl.load(x + start + places, mask=in_range, other=0.0).to(tl.float32) - near
        dz = tl.load(grad + start + places, mask=in_range, other=0.0).to(tl.float32)
        dz = dz * scale * derivative(away * slope + shift, parameter, ACTIVATION)
        if MASK != _NO_MASK:
            base = (start + first) >> 10 << 10
            offset = places + (start + first - base).to(INDEX)
            kept = keep_at(base, offset, in_range, bits, key_low, key_high, cut, MASK)
            dz = tl.where(kept, dz, 0.0)
        dz = tl.where(in_range, dz, 0.0)
        sum_grad += dz
        sum_product += dz * (away * rstd)
    first_sum = block_sum(sum_grad)
    second_sum = block_sum(sum_product)
    if IS_ALONE:
        finish_gradients(
            first_sum.to(tl.float64),
            second_sum.to(tl.float64),
            tl.cast(samples * tl.cast(length, tl.int64), tl.float64),
            channel,
            has_channel,
            channels,
            statistics,
            numbers,
            weight,
            bias,
            gradients,
            eps,
            HAS_WEIGHT,
            HAS_BIAS,
            USES_BATCH,
        )
    else:
        _store_sums(first_sum, second_sum, split, splits, channel, has_channel, channels, partials)


@triton.jit(do_not_specialize=PER_CALL)
def row_gradients(
    x,
    grad,
    bits,
    partials,
    num_rows,
    channels,
    length,
    splits,
    num_blocks,
    per_split,
    statistics,
    numbers,
    weight,
    bias,
    gradients,
    eps,
    key_low,
    key_high,
    cut,
    first,
    scale,
    parameter,
    ROWS: tl.constexpr,
    CHANNELS: tl.constexpr,
    INDEX: tl.constexpr,
    IS_ALONE: tl.constexpr,
    HAS_WEIGHT: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    USES_BATCH: tl.constexpr,
    ACTIVATION: tl.constexpr,
    MASK: tl.constexpr,
    IS_VECTORS: tl.constexpr,
):
    """Add up a share of the rows of a block of channels."""
    split, channel = row_block(channels, CHANNELS)
    rows, columns = tl.arange(0, ROWS), tl.arange(0, CHANNELS)
    has_column = columns < channels - channel
    offsets = rows[:, None] * tl.cast(channels, tl.int64) + columns[None, :]
    mean, rstd, gamma, beta = normalisation(
        statistics,
        weight,
        bias,
        channel + columns,
        has_column,
        channels,
        eps,
        HAS_WEIGHT,
        HAS_BIAS,
    )
    near, slope, shift = rounded(mean, rstd, gamma, beta)
    rstd = rstd.to(tl.float32)
    sum_grad = tl.zeros((ROWS, CHANNELS), dtype=tl.float32)
    sum_product = tl.zeros((ROWS, CHANNELS), dtype=tl.float32)
    begin = split * per_split
    for block in range(begin, tl.minimum(begin + per_split, num_blocks)):
        row = block * ROWS
        place = row * channels + channel
        in_range = (rows < num_rows - row)[:, None] & has_column[None, :]
        away = tl.load(x + place + offsets, mask=in_range, other=0.0).to(tl.float32)
        away -= near[None, :]
        dz = tl.load(grad + place + offsets, mask=in_range, other=0.0).to(tl.float32) * scale
        dz *= derivative(away * slope[None, :] + shift[None, :], parameter, ACTIVATION)
        if MASK != _NO_MASK:
            kept = keep_rows(
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
                MASK,
                INDEX,
                IS_VECTORS,
            )
            dz = tl.where(kept, dz, 0.0)
        dz = tl.where(in_range, dz, 0.0)
        sum_grad += dz
        sum_product += dz * (away * rstd[None, :])
    first_sum, second_sum = column_sums(sum_grad), column_sums(sum_product)
    if IS_ALONE:
        finish_gradients(
            first_sum.to(tl.float64),
            second_sum.to(tl.float64),
            tl.cast(num_rows, tl.float64),
            channel + columns,
            has_column,
            channels,
            statistics,
            numbers,
            weight,
            bias,
            gradients,
            eps,
            HAS_WEIGHT,
            HAS_BIAS,
            USES_BATCH,
        )
    else:
        _store_sums(
            first_sum,
            second_sum,
            split,
            splits,
            channel + columns,
            has_column,
            channels,
            partials,
        )
