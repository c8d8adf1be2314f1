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

from wolfsbane.kernels.cpu.signatures import BATCH_NORM
from wolfsbane.kernels.cpu.source.activations import activation_functions
from wolfsbane.kernels.cpu.source.channel import (
    APPLY,
    MERGE,
    STATISTICS,
    drift_and_spread,
    finish_gradients,
    finish_statistics,
    merge,
    numbers_for,
)
from wolfsbane.kernels.cpu.source.mask_bits import bit_number, byte_offset, run_length
from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    ELEMENTS,
    INLINED,
    SUMS,
    claim_chunk,
    load_f64,
    load_i64,
    scratch_load_u8,
    store_f64,
)

__all__ = ["COMPILED", "build"]

at = BATCH_NORM.positions

PIECE = 4096
"""Values whose mean and squared deviation are computed together: 16 KiB of float32."""


@njit(**COMPILED)
def shape(args):
    """Return samples, channels, and length of a plane."""
    return load_i64(args, at.samples), load_i64(args, at.channels), load_i64(args, at.length)


@njit(**COMPILED)
def pieces_per_plane(length):
    """Return how many pieces a plane is cut into."""
    return (length + PIECE - 1) // PIECE


@njit(**COMPILED)
def partial(args, channel, sample, piece):
    """Return the position of a piece's two numbers in `partials`."""
    samples, _, length = shape(args)
    per_plane = pieces_per_plane(length)
    return 2 * ((channel * samples + sample) * per_plane + piece)


@njit(**COMPILED)
def merged_statistics(args, channel):
    """Merge a channel's pieces in their order, and store its statistics."""
    samples, _, length = shape(args)
    partials = load_i64(args, at.partials)
    count, mean, deviation = 0.0, 0.0, 0.0
    for sample in range(samples):
        for piece in range(pieces_per_plane(length)):
            position = partial(args, channel, sample, piece)
            size = float(min(PIECE, length - piece * PIECE))
            count, mean, deviation = merge(
                count,
                mean,
                deviation,
                size,
                load_f64(partials, position),
                load_f64(partials, position + 1),
            )
    finish_statistics(args, channel, count, mean, deviation)


@njit(**COMPILED)
def merged_gradients(args, channel):
    """Add up a channel's sums in their order, and store the gradients of weight and bias."""
    samples, partials = load_i64(args, at.samples), load_i64(args, at.partials)
    sum_grad, sum_product = 0.0, 0.0
    for plane in range(channel * samples, (channel + 1) * samples):
        sum_grad += load_f64(partials, 2 * plane)
        sum_product += load_f64(partials, 2 * plane + 1)
    finish_gradients(args, channel, sum_grad, sum_product)


@njit(**COMPILED)
def next_run(args, offset, end, has_dropout):
    """Return length, address of the mask bytes, and bit of the next elements of a plane."""
    if not has_dropout:
        return end - offset, 0, np.uint8(0)
    size = min(run_length(offset), end - offset)
    bits = load_i64(args, at.bits) + byte_offset(offset)
    return size, bits, np.uint8(1 << bit_number(offset))


def _statistics(dtype):
    load = ELEMENTS[dtype].load

    @njit(**SUMS)
    def total(x, offset, length):
        result = 0.0
        for i in range(offset, offset + length):
            result += np.float64(load(x, i))
        return result

    @njit(**INLINED)
    def squared_distance(value, mean):
        distance = np.float64(value) - mean
        return distance * distance

    @njit(**SUMS)
    def deviation(x, offset, length, mean):
        result = 0.0
        for i in range(offset, offset + length):
            result += squared_distance(load(x, i), mean)
        return result

    @njit(**COMPILED)
    def plane_statistics(args, _numbers, channel, sample):
        _, channels, length = shape(args)
        x, partials = load_i64(args, at.x), load_i64(args, at.partials)
        plane = (sample * channels + channel) * length
        for piece in range(pieces_per_plane(length)):
            size = min(PIECE, length - piece * PIECE)
            offset = plane + piece * PIECE
            mean = total(x, offset, size) / size
            position = partial(args, channel, sample, piece)
            store_f64(partials, position, mean)
            store_f64(partials, position + 1, deviation(x, offset, size, mean))

    return plane_statistics


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

    @njit(**SUMS)
    def sum_run(args, offset, length, numbers, bits, bit):
        x, y, grad = load_i64(args, at.x), load_i64(args, at.y), load_i64(args, at.grad)
        factors = factors_of(args)
        sum_grad, sum_product = 0.0, 0.0
        for i in range(length):
            dz = gradient_at(x, grad, offset + i, numbers, factors, bits, i, bit)
            if is_stored:
                store(y, offset + i, dz)
            sum_grad += np.float64(dz)
            sum_product += product(dz, load(x, offset + i), numbers[0])
        return sum_grad, sum_product

    @njit(**COMPILED)
    def sum_plane(args, numbers, channel, sample):
        samples, channels, length = shape(args)
        offset = (sample * channels + channel) * length
        end = offset + length
        sum_grad, sum_product = 0.0, 0.0
        while offset < end:
            size, bits, bit = next_run(args, offset, end, has_dropout)
            first, second = sum_run(args, offset, size, numbers, bits, bit)
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
        kernel = _make_kernel(real, _statistics(dtype), merged_statistics, second)
    else:
        first, second = _backward(dtype, activation, has_dropout)
        kernel = _make_kernel(real, first, merged_gradients, second)
    return kernel
