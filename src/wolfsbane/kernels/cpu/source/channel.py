"""What batch norm computes once for a channel, in float64, for every layout.

`statistics` holds the C means, then the C biased variances. `partials` holds, for each channel and
each piece of it, two numbers: mean and summed squared deviation in the forward pass, the two sums
of the gradient in the backward pass. Pieces depend on the shape alone and are merged in their
order, so the result has the same bits for any number of threads.
"""

import math

import numpy as np
from numba import njit

from wolfsbane.kernels.cpu.signatures import BATCH_NORM
from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    load_f64,
    load_i64,
    load_vector,
    store_f64,
    store_vector,
)

at = BATCH_NORM.positions


@njit(**COMPILED)
def merge(count, mean, deviation, other_count, other_mean, other_deviation):
    """Return count, mean and summed squared deviation of two sets together.

    Chan, Golub, LeVeque 1983, doi:10.1080/00031305.1983.10483115, eq. 1.5.
    """
    total = count + other_count
    delta = other_mean - mean
    share = other_count / total
    return total, mean + delta * share, deviation + other_deviation + delta * delta * count * share


@njit(**COMPILED)
def finish_statistics(args, channel, count, mean, deviation):
    """Store a channel's statistics, and move its running statistics."""
    variance = deviation / count
    statistics, channels = load_i64(args, at.statistics), load_i64(args, at.channels)
    store_f64(statistics, channel, mean)
    store_f64(statistics, channels + channel, variance)
    if load_i64(args, at.running_mean) != 0:
        unbiased = variance * (count / (count - 1))
        move_running(args, load_i64(args, at.running_mean), channel, mean)
        move_running(args, load_i64(args, at.running_var), channel, unbiased)


@njit(**COMPILED)
def move_running(args, vector, channel, value):
    """Update a running statistic by momentum."""
    code, momentum = load_i64(args, at.running_code), load_f64(args, at.momentum)
    kept = load_vector(vector, code, channel) * (1.0 - momentum)
    store_vector(vector, code, channel, kept + momentum * value)


@njit(**COMPILED)
def normalisation(args, channel):
    """Return mean, 1 / sqrt(variance + eps), weight and bias of a channel."""
    statistics, channels = load_i64(args, at.statistics), load_i64(args, at.channels)
    mean = load_f64(statistics, channel)
    rstd = 1.0 / math.sqrt(load_f64(statistics, channels + channel) + load_f64(args, at.eps))
    weight, bias = 1.0, 0.0
    if load_i64(args, at.weight) != 0:
        weight = load_vector(load_i64(args, at.weight), load_i64(args, at.weight_code), channel)
    if load_i64(args, at.bias) != 0:
        bias = load_vector(load_i64(args, at.bias), load_i64(args, at.bias_code), channel)
    return mean, rstd, weight, bias


def numbers_for(real):
    """Return a function that gives a channel's normalisation in a type of arithmetic."""

    @njit(**COMPILED)
    def numbers_of(args, channel):
        """Return mean, slope and shift, so that z = (x - mean) slope + shift; and two more.

        Those are what rounding took from the mean, and 1 / sqrt(variance + eps), in float64.
        x - float32(mean) is exact where it matters; what that left of the mean is in the shift.
        """
        mean, rstd, weight, bias = normalisation(args, channel)
        rounded = real(mean)
        rest = mean - np.float64(rounded)
        slope = rstd * weight
        return rounded, real(slope), real(bias - rest * slope), rest, rstd

    return numbers_of


@njit(**COMPILED)
def finish_gradients(args, channel, sum_grad, sum_product):
    """Store the gradients of weight and bias, which are also what the input's gradient needs.

    sum_product is that of the gradient and x - mean.
    """
    _, rstd, _, _ = normalisation(args, channel)
    store_f64(load_i64(args, at.grad_bias), channel, sum_grad)
    store_f64(load_i64(args, at.grad_weight), channel, sum_product * rstd)


@njit(**COMPILED)
def drift_and_spread(args, channel, count, rstd):
    """Return what a channel's statistics add to each gradient: mean(dz), rstd * mean(dz xhat)."""
    if load_i64(args, at.uses_batch) == 0:
        return 0.0, 0.0
    drift = load_f64(load_i64(args, at.grad_bias), channel) / count
    return drift, load_f64(load_i64(args, at.grad_weight), channel) / count * rstd
