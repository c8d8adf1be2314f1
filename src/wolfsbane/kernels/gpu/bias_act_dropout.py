"""Bias + activation + dropout on a GPU: y = keep s act(x + b), b along the last dimension.

Forward moves 2s bytes an element in whole tiles of the mask (see `philox`). Backward moves 3s: it
computes x + b, the derivative and the mask again. With a bias it runs over blocks of rows, to add
up the bias's gradient by column, and reads the mask's bits where the input is large. All is
computed and added up in float32, by column of a program's rows; the programs' sums in float64, in
their order.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from wolfsbane.kernels.block import Tail
from wolfsbane.kernels.gpu.activations import activate, derivative
from wolfsbane.kernels.gpu.dropout import NUM_WARPS, num_programs, tiles_for
from wolfsbane.kernels.gpu.launch import PER_CALL, launch, mask_of
from wolfsbane.kernels.gpu.mask_bits import source_of
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
from wolfsbane.kernels.gpu.planes import group_of
from wolfsbane.kernels.gpu.rows import blocks_of, keep_rows, row_block, splits_for
from wolfsbane.kernels.gpu.sums import column_sums
from wolfsbane.kernels.layout import in_layout_of
from wolfsbane.mask import scale, threshold
from wolfsbane.mask.rate import LEVELS

_NO_MASK = tl.constexpr(NO_MASK)


@triton.jit(do_not_specialize=PER_CALL)
def _tiles(
    x,
    bias,
    grad,
    y,
    size,
    features,
    key_low,
    key_high,
    cut,
    first,
    scale,
    parameter,
    TILES: tl.constexpr,
    GROUP: tl.constexpr,
    ACTIVATION: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    HAS_DROPOUT: tl.constexpr,
    IS_BACKWARD: tl.constexpr,
    HAS_START: tl.constexpr,
):
    start, origin, low, high = tiles_of_program(size, first, TILES, HAS_START)
    offsets = lane_offsets(TILES, GROUP)
    rows = load_rows(x + origin, offsets, low, high)
    if IS_BACKWARD:
        grads = load_rows(grad + origin, offsets, low, high)
    if HAS_BIAS:
        first_feature = ((origin + low) % features).to(tl.uint32)
        groups = group_offsets(TILES, GROUP)
    if HAS_DROPOUT:
        words = tile_words(start, key_low, key_high, TILES, GROUP)
    for row in tl.static_range(8):
        value = rows[row].to(tl.float32)
        if HAS_BIAS:
            place = groups + row * 128
            feature = (first_feature + (place - low).to(tl.uint32)) % tl.cast(features, tl.uint32)
            pointers = bias + feature.to(tl.int32) + tl.arange(0, GROUP)[None, :]
            value += tl.load(pointers, mask=place < high, other=0.0).to(tl.float32)
        if IS_BACKWARD:
            upstream = grads[row].to(tl.float32)
            value = upstream * scale * derivative(value, parameter, ACTIVATION)
        else:
            value = activate(value, parameter, ACTIVATION) * scale
        if HAS_DROPOUT:
            value = tl.where(is_kept(words, row, cut), value, 0.0)
        store_row(y + origin, offsets, low, high, row, value)


@triton.jit(do_not_specialize=PER_CALL)
def _rows_backward(
    x,
    bias,
    grad,
    y,
    sums,
    bits,
    num_rows,
    features,
    blocks_per_program,
    key_low,
    key_high,
    cut,
    first,
    scale,
    parameter,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    ACTIVATION: tl.constexpr,
    MASK: tl.constexpr,
    INDEX: tl.constexpr,
):
    rows, columns = tl.arange(0, ROWS), tl.arange(0, COLUMNS)
    split, feature = row_block(features, COLUMNS)
    has_column = columns < features - feature
    offsets = rows[:, None] * tl.cast(features, tl.int64) + columns[None, :]
    shift = tl.load(bias + feature + columns, mask=has_column, other=0.0).to(tl.float32)
    total = tl.zeros((ROWS, COLUMNS), dtype=tl.float32)
    for block in range(blocks_per_program):
        row = (split * blocks_per_program + block) * ROWS
        in_range = (rows < num_rows - row)[:, None] & has_column[None, :]
        place = row * features + feature
        value = tl.load(x + place + offsets, mask=in_range, other=0.0).to(tl.float32)
        upstream = tl.load(grad + place + offsets, mask=in_range, other=0.0).to(tl.float32)
        value = upstream * scale * derivative(value + shift[None, :], parameter, ACTIVATION)
        if MASK != _NO_MASK:
            kept = keep_rows(
                row,
                feature,
                rows,
                columns,
                in_range,
                features,
                1,
                bits,
                key_low,
                key_high,
                cut,
                first,
                MASK,
                INDEX,
                True,
            )
            value = tl.where(kept, value, 0.0)
        tl.store(y + place + offsets, as_element_of(y, value), mask=in_range)
        total += tl.where(in_range, value, 0.0)
    sums += split * features + feature
    tl.store(sums + columns, column_sums(total).to(tl.float64), mask=has_column)


def forward(input: Tensor, bias: Tensor | None, tail: Tail) -> Tensor:
    """Return keep * scale * act(input + bias)."""
    source = input.contiguous()
    if threshold(tail.p) == LEVELS:
        return torch.zeros_like(input)
    output = _run_tiles(source, bias, None, tail)
    return output if source is input else in_layout_of(output, input)


def backward(
    grad: Tensor, input: Tensor, bias: Tensor | None, tail: Tail
) -> tuple[Tensor, Tensor | None]:
    """Return the gradients of input and bias, the latter in float64."""
    source = input.contiguous()
    sums = None
    if threshold(tail.p) == LEVELS:
        output = torch.zeros_like(input)
        sums = None if bias is None else torch.zeros_like(bias, dtype=torch.float64)
        return output, sums
    if bias is None:
        output = _run_tiles(source, None, grad.contiguous(), tail)
    else:
        output, sums = _run_rows(source, bias.contiguous(), grad.contiguous(), tail)
    return output if source is input else in_layout_of(output, input), sums


def _run_tiles(input: Tensor, bias: Tensor | None, grad: Tensor | None, tail: Tail) -> Tensor:
    output, size = torch.empty_like(input), input.numel()
    features = 1 if bias is None else bias.numel()
    group = group_of(0 if bias is None else features, tail.start)
    tiles = tiles_for(input, group)
    launch(
        _tiles,
        num_programs(size, tail.start, tiles),
        input,
        input,
        input if bias is None else bias.contiguous(),
        input if grad is None else grad,
        output,
        size,
        features,
        *mask_of(*tail.numbers, tail.start),
        scale(tail.p),
        tail.activation.parameter,
        TILES=tiles,
        GROUP=group,
        ACTIVATION=tail.activation.name,
        HAS_BIAS=bias is not None,
        HAS_DROPOUT=tail.has_dropout,
        IS_BACKWARD=grad is not None,
        HAS_START=tail.start > 0,
        num_warps=NUM_WARPS,
    )
    return output


def _run_rows(input: Tensor, bias: Tensor, grad: Tensor, tail: Tail) -> tuple[Tensor, Tensor]:
    output, size, features = torch.empty_like(input), input.numel(), bias.numel()
    num_rows = size // features
    blocks = blocks_of(num_rows, features, 1)
    splits, per_split = splits_for(blocks.num_row_blocks, blocks.num_channel_blocks)
    sums = torch.empty(splits, features, dtype=torch.float64, device=input.device)
    source = source_of(size, size, *tail.numbers, tail.start, input)
    launch(
        _rows_backward,
        splits * blocks.num_channel_blocks,
        input,
        input,
        bias,
        grad,
        output,
        sums,
        source.bits,
        num_rows,
        features,
        per_split,
        *source.mask,
        scale(tail.p),
        tail.activation.parameter,
        ROWS=blocks.rows,
        COLUMNS=blocks.channels,
        ACTIVATION=tail.activation.name,
        MASK=source.kind,
        INDEX=blocks.index,
    )
    return output, sums[0] if splits == 1 else sums.sum(0)
