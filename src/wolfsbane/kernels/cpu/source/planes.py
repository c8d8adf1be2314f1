"""Planes (N, C, S), a channel's values being contiguous in each: where they lie, and statistics.

A piece, whose statistics are computed together, is at most 4096 values of a plane.
"""

import numpy as np
from numba import njit

from wolfsbane.kernels.cpu.signatures import BATCH_NORM, PIECE
from wolfsbane.kernels.cpu.source.channel import (
    finish_gradients,
    finish_statistics,
    merge,
)
from wolfsbane.kernels.cpu.source.mask_bits import bit_number, byte_offset, run_length
from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    ELEMENTS,
    INLINED,
    SUMS,
    load_f64,
    load_i64,
    store_f64,
)

at = BATCH_NORM.positions


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


def statistics(dtype):
    """Return the function that writes mean and squared deviation of a plane's pieces."""
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
