r"""Bias over the last dimension + activation + dropout, contiguous.

$$y = \mathrm{keep} \cdot s \cdot \mathrm{act}(x + b)$$

Forward moves 2s bytes an element, backward 3s; backward computes the derivative and the mask again.
A chunk adds up the bias's gradient in float64 in a row of `sums`; which tiles a chunk has depends
on the shape alone.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from wolfsbane.kernels.cpu.signatures import BIAS_ACT_DROPOUT
from wolfsbane.kernels.cpu.source.activations import activation_functions
from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    ELEMENTS,
    F64_BYTES,
    INLINED,
    claim_chunk,
    load_f64,
    load_i64,
    scratch_load_f64,
    scratch_load_u8,
    scratch_store_f64,
    stack,
)
from wolfsbane.kernels.cpu.source.philox import LANES, TILE, keep_tile

__all__ = ["COMPILED", "build"]

at = BIAS_ACT_DROPOUT.positions
tile_bits = stack(LANES)


def _forward(dtype, activation, has_bias, has_dropout):
    load, store, real, _ = ELEMENTS[dtype]
    activate, _ = activation_functions(activation, ELEMENTS[dtype].is_double)
    load_bias = ELEMENTS["float64" if real is np.float64 else "float32"].load

    @njit(**COMPILED)
    def apply(args, _sums, offset, feature, length, bits, bit):
        x, y, bias = load_i64(args, at.x), load_i64(args, at.y), load_i64(args, at.bias)
        scale, parameter = real(load_f64(args, at.scale)), real(load_f64(args, at.parameter))
        for i in range(length):
            value = load(x, offset + i)
            if has_bias:
                value += load_bias(bias, feature + i)
            value = activate(value, parameter)
            if has_dropout:
                is_kept = (scratch_load_u8(bits, i) & bit) != np.uint8(0)
                value = value * scale if is_kept else real(0)
            store(y, offset + i, value)

    return apply


def _backward(dtype, activation, has_bias, has_dropout):
    load, store, real, _ = ELEMENTS[dtype]
    _, derivative = activation_functions(activation, ELEMENTS[dtype].is_double)
    load_bias = ELEMENTS["float64" if real is np.float64 else "float32"].load

    @njit(**INLINED)
    def gradient(sources, i, feature, bits, lane, bit):
        x, grad, bias, scale, parameter = sources
        upstream = load(grad, i)
        if has_dropout:
            is_kept = (scratch_load_u8(bits, lane) & bit) != np.uint8(0)
            upstream = upstream * scale if is_kept else real(0)
        if activation == "identity":
            return upstream
        value = load(x, i)
        if has_bias:
            value += load_bias(bias, feature)
        return upstream * derivative(value, parameter)

    @njit(**COMPILED)
    def apply(args, sums, offset, feature, length, bits, bit):
        y = load_i64(args, at.y)
        x, grad, bias = load_i64(args, at.x), load_i64(args, at.grad), load_i64(args, at.bias)
        scale, parameter = real(load_f64(args, at.scale)), real(load_f64(args, at.parameter))
        sources = x, grad, bias, scale, parameter
        for i in range(length):
            value = gradient(sources, offset + i, feature + i, bits, i, bit)
            store(y, offset + i, value)
            if has_bias:
                total = scratch_load_f64(sums, feature + i) + np.float64(value)
                scratch_store_f64(sums, feature + i, total)

    return apply


def build(
    direction: str, dtype: str, activation: str, has_bias: bool, has_dropout: bool
) -> Callable[[int], None]:
    """Return the kernel of a direction ("forward", "backward"), a dtype and an activation."""
    make = _forward if direction == "forward" else _backward
    apply = make(dtype, activation, has_bias, has_dropout)
    adds_up = direction == "backward" and has_bias

    @njit(**COMPILED)
    def apply_run(args, sums, offset, length, bits, bit):
        num_features, done = load_i64(args, at.num_features), 0
        if not has_bias:
            apply(args, sums, offset, 0, length, bits, bit)
            return
        while done < length:
            feature = (offset + done) % num_features
            size = min(num_features - feature, length - done)
            apply(args, sums, offset + done, feature, size, bits + done, bit)
            done += size

    @njit(**COMPILED)
    def apply_tile(args, sums, bits, tile):
        start, end = load_i64(args, at.start), load_i64(args, at.end)
        for j in range(TILE // LANES):
            first = tile * TILE + j * LANES
            low, high = max(first, start), min(first + LANES, end)
            if high > low:
                lanes = bits + low - first
                apply_run(args, sums, low - start, high - low, lanes, np.uint8(1 << j))

    @njit(**COMPILED)
    def row_of_sums(args, chunk):
        num_features = load_i64(args, at.num_features)
        sums = load_i64(args, at.sums) + chunk * num_features * F64_BYTES
        if adds_up:
            for i in range(num_features):
                scratch_store_f64(sums, i, 0.0)
        return sums

    def kernel(args):
        key, threshold = load_i64(args, at.key), load_i64(args, at.threshold)
        step = load_i64(args, at.tiles_per_chunk)
        first_tile = load_i64(args, at.start) // TILE
        num_tiles = (load_i64(args, at.end) + TILE - 1) // TILE
        bits = tile_bits()
        chunk = claim_chunk(args)
        while chunk >= 0:
            sums = row_of_sums(args, chunk)
            begin = first_tile + chunk * step
            for tile in range(begin, min(begin + step, num_tiles)):
                if has_dropout:
                    keep_tile(bits, tile, key, threshold)
                apply_tile(args, sums, bits, tile)
            chunk = claim_chunk(args)

    return kernel
