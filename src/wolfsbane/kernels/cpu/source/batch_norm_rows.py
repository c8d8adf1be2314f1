r"""Batch norm + activation + dropout where the channels of a position are neighbours.

That is (N, C), and channels-last (N, S, C), as R = N S rows of C values. As `batch_norm_planes`,
with the same mathematics and bytes; here the loops run over blocks of 64 rows by 64 channels, which
stay in the first cache, and vector lanes are channels. Pieces are one block high.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from wolfsbane.kernels.cpu.signatures import APPLY, BATCH_NORM, BLOCK, MERGE, STATISTICS
from wolfsbane.kernels.cpu.source.activations import activation_functions
from wolfsbane.kernels.cpu.source.channel import (
    drift_and_spread,
    numbers_for,
)
from wolfsbane.kernels.cpu.source.mask_bits import unpack_block
from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    ELEMENTS,
    INLINED,
    SCRATCH,
    claim_chunk,
    load_f64,
    load_i64,
    scratch_load_f64,
    scratch_load_u8,
    scratch_store_f64,
    store_f64,
)
from wolfsbane.kernels.cpu.source.rows import (
    ROWS_AT_ONCE,
    block_numbers,
    block_sums,
    keep_bytes,
    mask_of,
    merged_gradients,
    merged_statistics,
    num_rows,
    partial,
    statistics,
)

__all__ = ["COMPILED", "build"]

at = BATCH_NORM.positions


def _numbers(dtype):
    """Return functions that write and read a block's numbers, each of them for all channels.

    They are mean, slope, shift, what rounding took from the mean, and in the second pass of the
    backward pass drift and spread.
    """
    real = ELEMENTS[dtype].real
    load, store = SCRATCH[real]
    numbers_of = numbers_for(real)

    @njit(**COMPILED)
    def write(args, numbers, first, width, is_last):
        count = float(num_rows(args))
        for i in range(width):
            mean, slope, shift, rest, rstd = numbers_of(args, first + i)
            store(numbers, i, mean)
            store(numbers, BLOCK + i, slope)
            store(numbers, 2 * BLOCK + i, shift)
            store(numbers, 3 * BLOCK + i, real(rest))
            if is_last:
                drift, spread = drift_and_spread(args, first + i, count, rstd)
                store(numbers, 4 * BLOCK + i, real(drift - rest * spread))
                store(numbers, 5 * BLOCK + i, real(spread))

    return write, load


def _forward(dtype, activation, has_dropout):
    load, store, real, _ = ELEMENTS[dtype]
    activate, _ = activation_functions(activation, ELEMENTS[dtype].is_double)
    write_numbers, number = _numbers(dtype)

    @njit(**COMPILED)
    def apply_row(args, offset, numbers, keep, width):
        x, y = load_i64(args, at.x), load_i64(args, at.y)
        scale, parameter = real(load_f64(args, at.scale)), real(load_f64(args, at.parameter))
        for i in range(width):
            centred = load(x, offset + i) - number(numbers, i)
            value = centred * number(numbers, BLOCK + i) + number(numbers, 2 * BLOCK + i)
            value = activate(value, parameter)
            if has_dropout:
                value = value * scale if scratch_load_u8(keep, i) != np.uint8(0) else real(0)
            store(y, offset + i, value)

    @njit(**COMPILED)
    def apply_block(args, memory, first, width, row, height):
        numbers, keep, _ = memory
        channels = load_i64(args, at.channels)
        if has_dropout:
            unpack_block(mask_of(args), keep, first, width, row, height)
        for i in range(height):
            offset = (row + i) * channels + first
            if width == BLOCK:  # apart, so that the loop's length is a constant
                apply_row(args, offset, numbers, keep + i * BLOCK, BLOCK)
            else:
                apply_row(args, offset, numbers, keep + i * BLOCK, width)

    return write_numbers, apply_block


def _backward(dtype, activation, has_dropout):
    load, store, real, load_written = ELEMENTS[dtype]
    _, derivative = activation_functions(activation, ELEMENTS[dtype].is_double)
    write_numbers, number = _numbers(dtype)
    is_given = activation == "identity" and not has_dropout
    # The first pass leaves dz where dx will be, unless that would round it.
    is_stored = dtype != "bfloat16" and not is_given

    @njit(**INLINED)
    def gradient_at(sources, offset, i, numbers, keep):
        """Return dz, the gradient of the normalised value, of an element."""
        x, grad, scale, parameter = sources
        upstream = load(grad, offset + i)
        if has_dropout:
            upstream = upstream * scale if scratch_load_u8(keep, i) != np.uint8(0) else real(0)
        if activation == "identity":
            return upstream
        centred = load(x, offset + i) - number(numbers, i)
        value = centred * number(numbers, BLOCK + i) + number(numbers, 2 * BLOCK + i)
        return upstream * derivative(value, parameter)

    @njit(**COMPILED)
    def sources_of(args):
        """Return what `gradient_at` reads; outside of loops, as a store could change it inside."""
        scale, parameter = real(load_f64(args, at.scale)), real(load_f64(args, at.parameter))
        return load_i64(args, at.x), load_i64(args, at.grad), scale, parameter

    @njit(**COMPILED)
    def add(args, offset, count, numbers, keep, sums, width):
        x, y, sources = load_i64(args, at.x), load_i64(args, at.y), sources_of(args)
        step = load_i64(args, at.channels)
        for i in range(width):
            sum_grad, sum_product = np.float64(0), np.float64(0)
            for row in range(count):
                dz = gradient_at(sources, offset + row * step, i, numbers, keep + row * BLOCK)
                if is_stored:
                    store(y, offset + row * step + i, dz)
                centred = load(x, offset + row * step + i) - number(numbers, i)
                sum_grad += np.float64(dz)
                sum_product += np.float64(dz) * np.float64(centred)
            scratch_store_f64(sums, i, scratch_load_f64(sums, i) + sum_grad)
            total = scratch_load_f64(sums, BLOCK + i) + sum_product
            scratch_store_f64(sums, BLOCK + i, total)

    @njit(**COMPILED)
    def add_rows(args, offset, height, numbers, keep, sums, width):
        step, done = load_i64(args, at.channels), 0
        while done + ROWS_AT_ONCE <= height:
            kept = keep + done * BLOCK
            add(args, offset + done * step, ROWS_AT_ONCE, numbers, kept, sums, width)
            done += ROWS_AT_ONCE
        while done < height:
            add(args, offset + done * step, 1, numbers, keep + done * BLOCK, sums, width)
            done += 1

    @njit(**COMPILED)
    def sum_block(args, memory, first, width, row, height):
        numbers, keep, sums = memory
        channels, partials = load_i64(args, at.channels), load_i64(args, at.partials)
        if has_dropout:
            unpack_block(mask_of(args), keep, first, width, row, height)
        for i in range(2 * BLOCK):
            scratch_store_f64(sums, i, 0.0)
        add_rows(args, row * channels + first, height, numbers, keep, sums, width)
        position = partial(args, row // BLOCK, first)
        for i in range(width):
            rest = np.float64(number(numbers, 3 * BLOCK + i))
            store_f64(partials, position + i, scratch_load_f64(sums, i))
            product = scratch_load_f64(sums, BLOCK + i) - rest * scratch_load_f64(sums, i)
            store_f64(partials, position + channels + i, product)

    @njit(**COMPILED)
    def apply_row(args, offset, numbers, keep, width):
        x, y, sources = load_i64(args, at.x), load_i64(args, at.y), sources_of(args)
        for i in range(width):
            if is_stored:
                dz = load_written(y, offset + i)
            else:
                dz = gradient_at(sources, offset, i, numbers, keep)
            centred = load(x, offset + i) - number(numbers, i)
            drift, spread = number(numbers, 4 * BLOCK + i), number(numbers, 5 * BLOCK + i)
            store(y, offset + i, (dz - drift - centred * spread) * number(numbers, BLOCK + i))

    @njit(**COMPILED)
    def apply_block(args, memory, first, width, row, height):
        numbers, keep, _ = memory
        channels = load_i64(args, at.channels)
        if has_dropout and not is_stored:
            unpack_block(mask_of(args), keep, first, width, row, height)
        for i in range(height):
            apply_row(args, (row + i) * channels + first, numbers, keep + i * BLOCK, width)

    return sum_block, write_numbers, apply_block


def build(direction: str, dtype: str, activation: str, has_dropout: bool) -> Callable[[int], None]:
    """Return the kernel of a direction ("forward", "backward"), a dtype and an activation."""
    is_backward = direction == "backward"
    if is_backward:
        first_block, write_numbers, apply_block = _backward(dtype, activation, has_dropout)
        merge_block = merged_gradients
    else:
        write_numbers, apply_block = _forward(dtype, activation, has_dropout)
        first_block, merge_block = statistics(dtype), merged_statistics

    @njit(**COMPILED)
    def do_blocks(args, memory, first, width, begin, end):
        phase, rows = load_i64(args, at.phase), num_rows(args)
        if phase & STATISTICS:
            if is_backward:
                write_numbers(args, memory[0], first, width, False)
            for row in range(begin, end, BLOCK):
                first_block(args, memory, first, width, row, min(BLOCK, rows - row))
        if phase & MERGE:
            merge_block(args, first, width)
        if phase & APPLY:
            write_numbers(args, memory[0], first, width, is_backward)
            for row in range(begin, end, BLOCK):
                apply_block(args, memory, first, width, row, min(BLOCK, rows - row))

    def kernel(args):
        memory = block_numbers(), keep_bytes(), block_sums()
        groups, channels = load_i64(args, at.groups), load_i64(args, at.channels)
        pieces = (num_rows(args) + BLOCK - 1) // BLOCK
        chunk = claim_chunk(args)
        while chunk >= 0:
            first, group = chunk // groups * BLOCK, chunk % groups
            begin, end = group * pieces // groups, (group + 1) * pieces // groups
            width = min(BLOCK, channels - first)
            do_blocks(args, memory, first, width, begin * BLOCK, min(end * BLOCK, num_rows(args)))
            chunk = claim_chunk(args)

    return kernel
