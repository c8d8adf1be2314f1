r"""Batch norm + activation + dropout where a channel's values are contiguous planes (N, C, S).

$$z = (x - \mu) r \gamma + \beta, \quad y = \mathrm{keep} \cdot s \cdot \mathrm{act}(z)$$

Statistics are those of pieces of at most 4096 values, each in two passes over the cache, merged in
float64. Forward moves 3s bytes an element, or 2s where a channel stays in cache; backward 5s or 3s.
Nothing is stored for backward: it computes z, the activation's derivative and the mask again.
float32 and bfloat16 are normalised in float32, sums accumulate in float64.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from wolfsbane.kernels.cpu.signatures import APPLY, BATCH_NORM, MERGE, STATISTICS
from wolfsbane.kernels.cpu.source.activations import activation_functions
from wolfsbane.kernels.cpu.source.channel import (
    drift_and_spread,
    numbers_for,
)
from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    ELEMENTS,
    F64_BYTES,
    INLINED,
    SCRATCH,
    SUMS,
    claim_chunk,
    load_f64,
    load_i64,
    scratch_load_u8,
    stack,
    store_f64,
)
from wolfsbane.kernels.cpu.source.planes import (
    merged_gradients,
    merged_statistics,
    next_run,
    shape,
    statistics,
)

__all__ = ["COMPILED", "build"]

at = BATCH_NORM.positions

RUN = 512
"""The most gradients that are kept on the stack: 2 KiB of float32, and four runs of the mask."""

run_gradients = stack(RUN * F64_BYTES)


def _forward(dtype, activation, has_dropout):
    load, store, real, _ = ELEMENTS[dtype]
    activate, _ = activation_functions(activation, ELEMENTS[dtype].is_double)

    @njit(**COMPILED)
    def apply_run(args, offset, length, numbers, bits, bit):
        x, y = load_i64(args, at.x), load_i64(args, at.y)
        mean, slope, shift, _, _ = numbers
        scale, parameter = real(load_f64(args, at.scale)), real(load_f64(args, at.parameter))
        for i in range(length):
            value = activate((load(x, offset + i) - mean) * slope + shift, parameter)
            if has_dropout:
                is_kept = (scratch_load_u8(bits, i) & bit) != np.uint8(0)
                value = value * scale if is_kept else real(0)
            store(y, offset + i, value)

    @njit(**COMPILED)
    def apply_plane(args, numbers, channel, sample):
        _, channels, length = shape(args)
        offset = (sample * channels + channel) * length
        end = offset + length
        while offset < end:
            size, bits, bit = next_run(args, offset, end, has_dropout)
            apply_run(args, offset, size, numbers, bits, bit)
            offset += size

    return apply_plane


def _backward(dtype, activation, has_dropout):
    load, store, real, load_written = ELEMENTS[dtype]
    _, derivative = activation_functions(activation, ELEMENTS[dtype].is_double)
    is_given = activation == "identity" and not has_dropout
    # The first pass leaves dz where dx will be, unless that would round it.
    is_stored = dtype != "bfloat16" and not is_given
    kept_gradient, keep_gradient = SCRATCH[real]

    @njit(**INLINED)
    def gradient_at(x, grad, i, numbers, factors, bits, lane, bit):
        """Return dz, the gradient of the normalised value, of an element."""
        upstream = load(grad, i)
        if has_dropout:
            is_kept = (scratch_load_u8(bits, lane) & bit) != np.uint8(0)
            upstream = upstream * factors[0] if is_kept else real(0)
        if activation == "identity":
            return upstream
        mean, slope, shift, _, _ = numbers
        return upstream * derivative((load(x, i) - mean) * slope + shift, factors[1])

    @njit(**COMPILED)
    def factors_of(args):
        return real(load_f64(args, at.scale)), real(load_f64(args, at.parameter))

    @njit(**INLINED)
    def product(grad, value, mean):
        return np.float64(grad) * np.float64(value - mean)

    @njit(**COMPILED)
    def write_gradients(args, offset, length, numbers, bits, bit, gradients):
        x, y, grad = load_i64(args, at.x), load_i64(args, at.y), load_i64(args, at.grad)
        factors = factors_of(args)
        for i in range(length):
            dz = gradient_at(x, grad, offset + i, numbers, factors, bits, i, bit)
            keep_gradient(gradients, i, dz)
            if is_stored:
                store(y, offset + i, dz)

    # Apart from the loop that makes them: float64 sums in it would halve the width of its vectors.
    @njit(**SUMS)
    def sum_gradients(args, offset, length, mean, gradients):
        x = load_i64(args, at.x)
        sum_grad, sum_product = 0.0, 0.0
        for i in range(length):
            dz = kept_gradient(gradients, i)
            sum_grad += np.float64(dz)
            sum_product += product(dz, load(x, offset + i), mean)
        return sum_grad, sum_product

    @njit(**COMPILED)
    def sum_plane(args, numbers, channel, sample):
        samples, channels, length = shape(args)
        offset = (sample * channels + channel) * length
        end = offset + length
        sum_grad, sum_product = 0.0, 0.0
        gradients = run_gradients()
        while offset < end:
            size, bits, bit = next_run(args, offset, min(end, offset + RUN), has_dropout)
            write_gradients(args, offset, size, numbers, bits, bit, gradients)
            first, second = sum_gradients(args, offset, size, numbers[0], gradients)
            sum_grad += first
            sum_product += second
            offset += size
        partials = load_i64(args, at.partials)
        plane = channel * samples + sample
        store_f64(partials, 2 * plane, sum_grad)
        store_f64(partials, 2 * plane + 1, sum_product - numbers[3] * sum_grad)

    @njit(**COMPILED)
    def apply_run(args, offset, length, numbers, drift, spread, bits, bit):
        x, y, grad = load_i64(args, at.x), load_i64(args, at.y), load_i64(args, at.grad)
        factors = factors_of(args)
        mean, slope, _, _, _ = numbers
        for i in range(length):
            if is_stored:
                dz = load_written(y, offset + i)
            else:
                dz = gradient_at(x, grad, offset + i, numbers, factors, bits, i, bit)
            centred = load(x, offset + i) - mean
            store(y, offset + i, (dz - drift - centred * spread) * slope)

    @njit(**COMPILED)
    def apply_plane(args, numbers, channel, sample):
        samples, channels, length = shape(args)
        drift, spread = drift_and_spread(args, channel, float(samples * length), numbers[4])
        drift, spread = real(drift - numbers[3] * spread), real(spread)
        offset = (sample * channels + channel) * length
        end = offset + length
        while offset < end:
            size, bits, bit = next_run(args, offset, end, has_dropout and not is_stored)
            apply_run(args, offset, size, numbers, drift, spread, bits, bit)
            offset += size

    return sum_plane, apply_plane


def _make_kernel(real, first_plane, merge_channel, second_plane) -> Callable[[int], None]:
    numbers_of = numbers_for(real)

    @njit(**COMPILED)
    def do_channel(args, channel, begin, end):
        phase = load_i64(args, at.phase)
        if phase & STATISTICS:
            # In the forward pass there is nothing to read yet, and it is not used.
            numbers = numbers_of(args, channel)
            for sample in range(begin, end):
                first_plane(args, numbers, channel, sample)
        if phase & MERGE:
            merge_channel(args, channel)
        if phase & APPLY:
            numbers = numbers_of(args, channel)
            for sample in range(begin, end):
                second_plane(args, numbers, channel, sample)

    def kernel(args):
        samples, groups = load_i64(args, at.samples), load_i64(args, at.groups)
        chunk = claim_chunk(args)
        while chunk >= 0:
            channel, group = chunk // groups, chunk % groups
            begin, end = group * samples // groups, (group + 1) * samples // groups
            do_channel(args, channel, begin, end)
            chunk = claim_chunk(args)

    return kernel


def build(direction: str, dtype: str, activation: str, has_dropout: bool) -> Callable[[int], None]:
    """Return the kernel of a direction ("forward", "backward"), a dtype and an activation."""
    real = ELEMENTS[dtype].real
    if direction == "forward":
        second = _forward(dtype, activation, has_dropout)
        kernel = _make_kernel(real, statistics(dtype), merged_statistics, second)
    else:
        first, second = _backward(dtype, activation, has_dropout)
        kernel = _make_kernel(real, first, merged_gradients, second)
    return kernel
