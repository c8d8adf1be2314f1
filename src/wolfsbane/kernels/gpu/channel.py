r"""What batch norm computes once for a channel, in float64, and how programs' sums are merged.

`statistics` holds the C means, then the C biased variances. `partials` holds what each of a
channel's programs found, (K, programs, C) float64: count, mean and summed squared deviation, or the
gradient's two sums. They are merged by a sum of fixed shape, so the result has the same bits in
every call. `numbers`, (5, C) float32, is what normalises an element:

$$z = (x - m) a + b, \quad dx = dz \, a - d - (x - m) e$$

with m the rounded mean; what rounding left of it is in b and d.
"""

import triton
import triton.language as tl

from wolfsbane.kernels.gpu.memory import as_element_of

NUM_NUMBERS = 5
NUM_MOMENTS = 3
NUM_SUMS = 2


@triton.jit
def normalisation(statistics, weight, bias, channel, in_range, channels, eps, HAS_WEIGHT, HAS_BIAS):
    """Return mean, 1 / sqrt(variance + eps), weight and bias of channels, in float64."""
    mean = tl.load(statistics + channel, mask=in_range, other=0.0)
    variance = tl.load(statistics + channels + channel, mask=in_range, other=1.0)
    rstd = 1.0 / tl.sqrt(variance + tl.cast(eps, tl.float64))
    gamma, beta = affine(weight, bias, channel, in_range, mean, HAS_WEIGHT, HAS_BIAS)
    return mean, rstd, gamma, beta


@triton.jit
def affine(weight, bias, channel, in_range, like, HAS_WEIGHT: tl.constexpr, HAS_BIAS: tl.constexpr):
    """Return weight and bias of channels, one and zero where there are none, in float64."""
    gamma, beta = tl.zeros_like(like) + 1.0, tl.zeros_like(like)
    if HAS_WEIGHT:
        gamma = tl.load(weight + channel, mask=in_range, other=0.0).to(tl.float64)
    if HAS_BIAS:
        beta = tl.load(bias + channel, mask=in_range, other=0.0).to(tl.float64)
    return gamma, beta


@triton.jit
def rounded(mean, rstd, gamma, beta):
    """Return mean, slope and shift in float32, so that z = (x - mean) slope + shift.

    x - float32(mean) is exact where it matters; what that left of the mean is in the shift.
    """
    near = mean.to(tl.float32)
    slope = rstd * gamma
    shift = beta - (mean - near.to(tl.float64)) * slope
    return near, slope.to(tl.float32), shift.to(tl.float32)


@triton.jit
def store_numbers(numbers, channel, in_range, channels, mean, rstd, gamma, beta):
    """Store what normalises a channel's elements."""
    near, slope, shift = rounded(mean, rstd, gamma, beta)
    tl.store(numbers + channel, near, mask=in_range)
    tl.store(numbers + channels + channel, slope, mask=in_range)
    tl.store(numbers + 2 * channels + channel, shift, mask=in_range)


@triton.jit
def finish_statistics(
    count,
    mean,
    deviation,
    channel,
    in_range,
    channels,
    statistics,
    numbers,
    weight,
    bias,
    running_mean,
    running_var,
    eps,
    momentum,
    HAS_WEIGHT: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    HAS_RUNNING: tl.constexpr,
):
    """Store channels' statistics and numbers, and move their running statistics."""
    variance = deviation / count
    tl.store(statistics + channel, mean, mask=in_range)
    tl.store(statistics + channels + channel, variance, mask=in_range)
    gamma, beta = affine(weight, bias, channel, in_range, mean, HAS_WEIGHT, HAS_BIAS)
    rstd = 1.0 / tl.sqrt(variance + tl.cast(eps, tl.float64))
    store_numbers(numbers, channel, in_range, channels, mean, rstd, gamma, beta)
    if HAS_RUNNING:
        _move(running_mean + channel, mean, momentum, in_range)
        _move(running_var + channel, variance * (count / (count - 1.0)), momentum, in_range)


@triton.jit
def _move(pointers, value, momentum, in_range):
    share = tl.cast(momentum, tl.float64)
    before = tl.load(pointers, mask=in_range, other=0.0).to(tl.float64)
    after = before * (1.0 - share) + share * value
    # Through float32, which bfloat16 is rounded from: the double rounding is 2^-24 of the number.
    tl.store(pointers, as_element_of(pointers, after.to(tl.float32)), mask=in_range)


@triton.jit
def merged_moments(partials, channel, in_range, channels, programs, PROGRAMS: tl.constexpr):
    """Return count, mean and summed squared deviation of channels (C).

    Chan, Golub, LeVeque 1983, doi:10.1080/00031305.1983.10483115, for all sets at once.
    """
    count = _partials(partials, 0, channel, in_range, channels, programs, PROGRAMS)
    mean = _partials(partials, 1, channel, in_range, channels, programs, PROGRAMS)
    deviation = _partials(partials, 2, channel, in_range, channels, programs, PROGRAMS)
    total = tl.sum(count, axis=0)
    centre = tl.sum(mean * (count / total[None, :]), axis=0)
    away = mean - centre[None, :]
    return total, centre, tl.sum(deviation + count * away * away, axis=0)


@triton.jit
def merged_sums(partials, channel, in_range, channels, programs, PROGRAMS: tl.constexpr):
    """Return the gradient's two sums of channels (C)."""
    first = _partials(partials, 0, channel, in_range, channels, programs, PROGRAMS)
    second = _partials(partials, 1, channel, in_range, channels, programs, PROGRAMS)
    return tl.sum(first, axis=0), tl.sum(second, axis=0)


@triton.jit
def _partials(
    partials, kind: tl.constexpr, channel, in_range, channels, programs, PROGRAMS: tl.constexpr
):
    program = tl.arange(0, PROGRAMS)[:, None]
    pointers = partials + (kind * programs + program) * channels + channel[None, :]
    return tl.load(pointers, mask=(program < programs) & in_range[None, :], other=0.0)


@triton.jit
def finish_gradients(
    sum_grad,
    sum_product,
    count,
    channel,
    in_range,
    channels,
    statistics,
    numbers,
    weight,
    bias,
    gradients,
    eps,
    HAS_WEIGHT: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    USES_BATCH: tl.constexpr,
):
    """Store the gradients of weight and bias, and the numbers that the input's gradient needs.

    `sum_product` is that of dz and (x - m) r: m and r, 1 / sqrt(variance + eps), are rounded.
    """
    mean, rstd, gamma, beta = normalisation(
        statistics, weight, bias, channel, in_range, channels, eps, HAS_WEIGHT, HAS_BIAS
    )
    rest = (mean - mean.to(tl.float32).to(tl.float64)) * rstd
    grad_weight = sum_product * (rstd / rstd.to(tl.float32).to(tl.float64)) - rest * sum_grad
    tl.store(gradients + channel, grad_weight, mask=in_range)
    tl.store(gradients + channels + channel, sum_grad, mask=in_range)
    store_numbers(numbers, channel, in_range, channels, mean, rstd, gamma, beta)
    drift, spread = tl.zeros_like(mean), tl.zeros_like(mean)
    if USES_BATCH:
        spread = grad_weight / count
        drift = (sum_grad / count - rest * spread) * (rstd * gamma)
        spread *= rstd * (rstd * gamma)
    tl.store(numbers + 3 * channels + channel, drift.to(tl.float32), mask=in_range)
    tl.store(numbers + 4 * channels + channel, spread.to(tl.float32), mask=in_range)
