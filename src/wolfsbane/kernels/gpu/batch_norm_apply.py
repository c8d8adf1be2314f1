r"""Batch norm + activation + dropout of elements on a GPU, their channels' numbers known.

$$y = \mathrm{keep} \cdot s \cdot \mathrm{act}(z), \quad z = (x - m) a + b, \quad
  dx = dz \, a - d - (x - m) e, \quad dz = \mathrm{keep} \cdot s \cdot g \cdot \mathrm{act}'(z)$$

Moves 2s bytes an element forward, 3s backward; computes in float32 and rounds once. Where planes
lie in memory, a program is whole tiles of the mask (see `philox`), whatever the planes' size, and
looks up the numbers of each group of neighbours; a plane of 49 values leaves no lane idle so. Rows
of channels are done in blocks that hold the numbers of their channels, and read the mask's bits
where the input is large.
"""

import triton
import triton.language as tl

from wolfsbane.kernels.gpu.activations import activate, derivative
from wolfsbane.kernels.gpu.launch import PER_CALL
from wolfsbane.kernels.gpu.memory import as_element_of
from wolfsbane.kernels.gpu.philox import (
    NO_MASK,
    group_offsets,
    is_kept,
    lane_offsets,
    load_rows,
    store_row,
    tile_words,
    tiles_of_program,
)
from wolfsbane.kernels.gpu.rows import keep_rows, row_block

_NO_MASK = tl.constexpr(NO_MASK)


@triton.jit(do_not_specialize=PER_CALL)
def apply_planes(
    x,
    grad,
    y,
    numbers,
    size,
    channels,
    length,
    key_low,
    key_high,
    cut,
    first,
    scale,
    parameter,
    TILES: tl.constexpr,
    GROUP: tl.constexpr,
    INDEX: tl.constexpr,
    ACTIVATION: tl.constexpr,
    HAS_DROPOUT: tl.constexpr,
    IS_BACKWARD: tl.constexpr,
    HAS_START: tl.constexpr,
):
    """Do TILES tiles of (N, C, S), contiguous; `length` is S."""
    start, origin, low, high = tiles_of_program(size, first, TILES, HAS_START)
    offsets, groups = lane_offsets(TILES, GROUP), group_offsets(TILES, GROUP)
    rows = load_rows(x + origin, offsets, low, high)
    if IS_BACKWARD:
        grads = load_rows(grad + origin, offsets, low, high)
    if HAS_DROPOUT:
        words = tile_words(start, key_low, key_high, TILES, GROUP)
    position = ((origin + low) % length).to(INDEX)
    first_channel = ((origin + low) // length % channels).to(INDEX)
    for row in tl.static_range(8):
        place = groups + row * 128
        plane = (position + (place - low).to(INDEX)) // tl.cast(length, INDEX)
        channel = ((first_channel + plane) % tl.cast(channels, INDEX)).to(tl.int32)
        has_place = place < high
        mean = tl.load(numbers + channel, mask=has_place, other=0.0)
        slope = tl.load(numbers + channels + channel, mask=has_place, other=0.0)
        shift = tl.load(numbers + 2 * channels + channel, mask=has_place, other=0.0)
        away = rows[row].to(tl.float32) - mean
        value = away * slope + shift
        if IS_BACKWARD:
            drift = tl.load(numbers + 3 * channels + channel, mask=has_place, other=0.0)
            spread = tl.load(numbers + 4 * channels + channel, mask=has_place, other=0.0)
            value = grads[row].to(tl.float32) * scale * derivative(value, parameter, ACTIVATION)
        else:
            value = activate(value, parameter, ACTIVATION) * scale
        if HAS_DROPOUT:
            value = tl.where(is_kept(words, row, cut), value, 0.0)
        if IS_BACKWARD:
            value = value * slope - drift - away * spread
        store_row(y + origin, offsets, low, high, row, value)


@triton.jit(do_not_specialize=PER_CALL)
def apply_rows(
    x,
    grad,
    y,
    bits,
    numbers,
    num_rows,
    channels,
    length,
    key_low,
    key_high,
    cut,
    first,
    scale,
    parameter,
    ROWS: tl.constexpr,
    CHANNELS: tl.constexpr,
    INDEX: tl.constexpr,
    ACTIVATION: tl.constexpr,
    MASK: tl.constexpr,
    IS_BACKWARD: tl.constexpr,
):
    """Do a block of rows of channels (N, S, C), contiguous; `length` is S."""
    block, channel = row_block(channels, CHANNELS)
    rows, columns = tl.arange(0, ROWS), tl.arange(0, CHANNELS)
    row = block * ROWS
    has_column = columns < channels - channel
    in_range = (rows < num_rows - row)[:, None] & has_column[None, :]
    place = row * channels + channel
    offsets = rows[:, None] * tl.cast(channels, tl.int64) + columns[None, :]
    value = tl.load(x + place + offsets, mask=in_range, other=0.0).to(tl.float32)
    if IS_BACKWARD:
        upstream = tl.load(grad + place + offsets, mask=in_range, other=0.0).to(tl.float32)
    numbers += channel + columns
    mean = tl.load(numbers, mask=has_column, other=0.0)[None, :]
    slope = tl.load(numbers + channels, mask=has_column, other=0.0)[None, :]
    shift = tl.load(numbers + 2 * channels, mask=has_column, other=0.0)[None, :]
    away = value - mean
    value = away * slope + shift
    if IS_BACKWARD:
        value = upstream * scale * derivative(value, parameter, ACTIVATION)
    else:
        value = activate(value, parameter, ACTIVATION) * scale
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
            False,
        )
        value = tl.where(kept, value, 0.0)
    if IS_BACKWARD:
        drift = tl.load(numbers + 3 * channels, mask=has_column, other=0.0)[None, :]
        spread = tl.load(numbers + 4 * channels, mask=has_column, other=0.0)[None, :]
        value = value * slope - drift - away * spread
    tl.store(y + place + offsets, as_element_of(y, value), mask=in_range)
