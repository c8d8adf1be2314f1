"""Rows of channels (N, C), or channels-last (N, S, C): where they lie, and their statistics.

The loops run over blocks of 64 rows by 64 channels, which stay in the first cache; vector lanes are
channels. A piece, whose statistics are computed together, is one block high.
"""

import numpy as np
from numba import njit

from wolfsbane.kernels.cpu.signatures import BATCH_NORM, BLOCK
from wolfsbane.kernels.cpu.source.channel import (
    finish_gradients,
    finish_statistics,
    merge,
)
from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    ELEMENTS,
    F64_BYTES,
    load_f64,
    load_i64,
    scratch_load_f64,
    scratch_store_f64,
    stack,
    store_f64,
)

at = BATCH_NORM.positions

ROWS_AT_ONCE = 4
"""Rows whose values meet in registers before they are added to a sum in memory."""

keep_bytes = stack(BLOCK * BLOCK)
block_sums = stack(2 * BLOCK * F64_BYTES)
block_numbers = stack(6 * BLOCK * F64_BYTES)


@njit(**COMPILED)
def num_rows(args):
    """Return R."""
    return load_i64(args, at.samples) * load_i64(args, at.length)


@njit(**COMPILED)
def mask_of(args):
    """Return the mask's bytes, and the logical shape's C and S."""
    return load_i64(args, at.bits), load_i64(args, at.channels), load_i64(args, at.length)


@njit(**COMPILED)
def partial(args, piece, channel):
    """Return where a piece's first number for a channel lies; its second lies C further."""
    return 2 * piece * load_i64(args, at.channels) + channel


@njit(**COMPILED)
def merged_statistics(args, first, width):
    """Merge the pieces of a block of channels in their order, and store their statistics."""
    rows, partials = num_rows(args), load_i64(args, at.partials)
    channels = load_i64(args, at.channels)
    for channel in range(first, first + width):
        count, mean, deviation = 0.0, 0.0, 0.0
        for piece in range((rows + BLOCK - 1) // BLOCK):
            position = partial(args, piece, channel)
            count, mean, deviation = merge(
                count,
                mean,
                deviation,
                float(min(BLOCK, rows - piece * BLOCK)),
                load_f64(partials, position),
                load_f64(partials, position + channels),
            )
        finish_statistics(args, channel, count, mean, deviation)


@njit(**COMPILED)
def merged_gradients(args, first, width):
    """Add up the sums of a block of channels in their order, and store the gradients."""
    rows, partials = num_rows(args), load_i64(args, at.partials)
    channels = load_i64(args, at.channels)
    for channel in range(first, first + width):
        sum_grad, sum_product = 0.0, 0.0
        for piece in range((rows + BLOCK - 1) // BLOCK):
            position = partial(args, piece, channel)
            sum_grad += load_f64(partials, position)
            sum_product += load_f64(partials, position + channels)
        finish_gradients(args, channel, sum_grad, sum_product)


def statistics(dtype):
    """Return the function that writes mean and squared deviation of a block's channels."""
    load = ELEMENTS[dtype].load

    @njit(**COMPILED)
    def add(x, offset, step, count, sums, width):
        for i in range(width):
            total = np.float64(0)
            for row in range(count):
                total += np.float64(load(x, offset + row * step + i))
            scratch_store_f64(sums, i, scratch_load_f64(sums, i) + total)

    @njit(**COMPILED)
    def add_squares(x, offset, step, count, means, squares, width):
        for i in range(width):
            mean, total = scratch_load_f64(means, i), scratch_load_f64(squares, i)
            for row in range(count):
                distance = np.float64(load(x, offset + row * step + i)) - mean
                total += distance * distance
            scratch_store_f64(squares, i, total)

    @njit(**COMPILED)
    def add_rows(x, offset, step, height, sums, width):
        done = 0
        while done + ROWS_AT_ONCE <= height:
            add(x, offset + done * step, step, ROWS_AT_ONCE, sums, width)
            done += ROWS_AT_ONCE
        while done < height:
            add(x, offset + done * step, step, 1, sums, width)
            done += 1

    @njit(**COMPILED)
    def add_squared_rows(x, offset, step, height, means, squares, width):
        done = 0
        while done + ROWS_AT_ONCE <= height:
            add_squares(x, offset + done * step, step, ROWS_AT_ONCE, means, squares, width)
            done += ROWS_AT_ONCE
        while done < height:
            add_squares(x, offset + done * step, step, 1, means, squares, width)
            done += 1

    @njit(**COMPILED)
    def block_statistics(args, memory, first, width, row, height):
        x, channels = load_i64(args, at.x), load_i64(args, at.channels)
        means, squares = memory[2], memory[2] + BLOCK * F64_BYTES
        for i in range(2 * BLOCK):
            scratch_store_f64(means, i, 0.0)
        add_rows(x, row * channels + first, channels, height, means, width)
        for i in range(width):
            scratch_store_f64(means, i, scratch_load_f64(means, i) / height)
        add_squared_rows(x, row * channels + first, channels, height, means, squares, width)
        partials = load_i64(args, at.partials)
        position = partial(args, row // BLOCK, first)
        for i in range(width):
            store_f64(partials, position + i, scratch_load_f64(means, i))
            store_f64(partials, position + channels + i, scratch_load_f64(squares, i))

    return block_statistics
