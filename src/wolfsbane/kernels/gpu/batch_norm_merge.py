"""What is left to do where several programs share a channel, or its statistics are given.

Moves some tens of bytes a channel and program; computes in float64. See `channel`.
"""

import triton
import triton.language as tl

from wolfsbane.kernels.gpu.channel import (
    finish_gradients,
    finish_statistics,
    merged_moments,
    merged_sums,
    normalisation,
    store_numbers,
)


@triton.jit
def merge_statistics(
    partials,
    channels,
    splits,
    statistics,
    numbers,
    weight,
    bias,
    running_mean,
    running_var,
    eps,
    momentum,
    SPLITS: tl.constexpr,
    CHANNELS: tl.constexpr,
    HAS_WEIGHT: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    HAS_RUNNING: tl.constexpr,
):
    """Merge what the programs of channels found."""
    channel = tl.program_id(0).to(tl.int64) * CHANNELS + tl.arange(0, CHANNELS)
    in_range = channel < channels
    count, mean, deviation = merged_moments(partials, channel, in_range, channels, splits, SPLITS)
    finish_statistics(
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
        HAS_WEIGHT,
        HAS_BIAS,
        HAS_RUNNING,
    )


@triton.jit
def given_statistics(
    channels,
    statistics,
    numbers,
    weight,
    bias,
    eps,
    CHANNELS: tl.constexpr,
    HAS_WEIGHT: tl.constexpr,
    HAS_BIAS: tl.constexpr,
):
    """Store the numbers that statistics from elsewhere give."""
    channel = tl.program_id(0).to(tl.int64) * CHANNELS + tl.arange(0, CHANNELS)
    in_range = channel < channels
    mean, rstd, gamma, beta = normalisation(
        statistics, weight, bias, channel, in_range, channels, eps, HAS_WEIGHT, HAS_BIAS
    )
    store_numbers(numbers, channel, in_range, channels, mean, rstd, gamma, beta)


@triton.jit
def merge_gradients(
    partials,
    channels,
    splits,
    num_values,
    statistics,
    numbers,
    weight,
    bias,
    gradients,
    eps,
    SPLITS: tl.constexpr,
    CHANNELS: tl.constexpr,
    HAS_WEIGHT: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    USES_BATCH: tl.constexpr,
):
    """Merge what the programs of channels added up."""
    channel = tl.program_id(0).to(tl.int64) * CHANNELS + tl.arange(0, CHANNELS)
    in_range = channel < channels
    sum_grad, sum_product = merged_sums(partials, channel, in_range, channels, splits, SPLITS)
    finish_gradients(
        sum_grad,
        sum_product,
        tl.cast(num_values, tl.float64),
        channel,
        in_range,
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
