"""Batch norm + activation + dropout on a GPU: which kernels a layout needs, and their arguments.

Training moves 3s bytes an element forward (s for the statistics, 2s to normalise) and 5s backward
(2s for two sums, 3s for the input's gradient). Each direction is two launches, and a third that
merges where several programs share a channel; one more writes the mask's bits where elements are
not taken in whole tiles and the input is large.
"""

from typing import Any

import torch
import triton.language as tl
from torch import Tensor

from wolfsbane.kernels.block import Norm, Running, Tail
from wolfsbane.kernels.gpu import planes, rows
from wolfsbane.kernels.gpu.batch_norm_apply import apply_planes, apply_rows
from wolfsbane.kernels.gpu.batch_norm_gradients import plane_gradients, row_gradients
from wolfsbane.kernels.gpu.batch_norm_merge import (
    given_statistics,
    merge_gradients,
    merge_statistics,
)
from wolfsbane.kernels.gpu.batch_norm_statistics import plane_statistics, row_statistics
from wolfsbane.kernels.gpu.channel import NUM_MOMENTS, NUM_NUMBERS, NUM_SUMS
from wolfsbane.kernels.gpu.dropout import NUM_WARPS, num_programs, tiles_for
from wolfsbane.kernels.gpu.launch import launch, mask_of
from wolfsbane.kernels.gpu.mask_bits import Source, source_of
from wolfsbane.kernels.gpu.shares import CHANNELS_AT_ONCE, Shares, merge, shares_of
from wolfsbane.kernels.layout import Batch, as_batch, in_layout_of
from wolfsbane.mask import scale, threshold
from wolfsbane.mask.rate import LEVELS

_SMALL_RUN = 1 << 31


def forward(
    input: Tensor, norm: Norm, tail: Tail, statistics: Tensor, running: Running | None = None
) -> Tensor:
    """Return the output; in training, write (2, C) float64 means and variances to `statistics`."""
    is_dropped = threshold(tail.p) == LEVELS
    tail = tail._replace(p=0.0) if is_dropped else tail
    batch = as_batch(input)
    numbers = _scratch(NUM_NUMBERS, batch, torch.float32)
    if norm.uses_batch:
        _find_statistics(batch, norm, statistics, numbers, running)
    else:
        launch(
            given_statistics,
            -(batch.channels // -CHANNELS_AT_ONCE),
            input,
            batch.channels,
            statistics,
            numbers,
            *_affine(norm, numbers),
            norm.eps,
            CHANNELS=CHANNELS_AT_ONCE,
            **_has_affine(norm),
        )
    output = _apply(batch, None, numbers, tail, None)
    if is_dropped:
        output.zero_()
    return output if batch.tensor is input else in_layout_of(output, input)


def backward(
    grad: Tensor, input: Tensor, norm: Norm, tail: Tail, statistics: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of input, weight and bias, the latter two in float64."""
    batch = as_batch(input)
    gradients = _scratch(2, batch, torch.float64)
    if threshold(tail.p) == LEVELS:
        gradients.zero_()
        return torch.zeros_like(input), gradients[0], gradients[1]
    upstream = batch.matching(grad)
    numbers = _scratch(NUM_NUMBERS, batch, torch.float32)
    size = batch.tensor.numel()
    source = source_of(size, size, *tail.numbers, tail.start, batch.tensor)
    _find_gradients(batch, upstream, norm, tail, source, (statistics, numbers, gradients))
    output = _apply(batch, upstream, numbers, tail, source)
    output = output if batch.tensor is input else in_layout_of(output, input)
    return output, gradients[0], gradients[1]


def _scratch(num_vectors: int, batch: Batch, dtype: torch.dtype) -> Tensor:
    return torch.empty(num_vectors, batch.channels, dtype=dtype, device=batch.tensor.device)


def _affine(norm: Norm, stand_in: Tensor) -> tuple[Tensor, Tensor]:
    """Return weight and bias, or a tensor in their place that is not read."""
    weight = stand_in if norm.weight is None else norm.weight.contiguous()
    return weight, stand_in if norm.bias is None else norm.bias.contiguous()


def _has_affine(norm: Norm) -> dict[str, bool]:
    return {"HAS_WEIGHT": norm.weight is not None, "HAS_BIAS": norm.bias is not None}


def _partials(kinds: int, shares: Shares, batch: Batch) -> Tensor:
    """Return scratch for programs' sums; a single program's are not stored."""
    num_vectors = 0 if shares.is_alone else kinds * shares.splits
    return _scratch(num_vectors, batch, torch.float64)


def _find_statistics(
    batch: Batch, norm: Norm, statistics: Tensor, numbers: Tensor, running: Running | None
) -> None:
    past = (numbers, numbers) if running is None else (running.mean, running.var)
    momentum = 0.0 if running is None else running.momentum
    vectors = (statistics, numbers, *_affine(norm, numbers), *past, norm.eps, momentum)
    has: dict[str, Any] = {**_has_affine(norm), "HAS_RUNNING": running is not None}
    _, samples, channels, length, is_rows = batch
    if is_rows:
        blocks = rows.blocks_of(samples * length, channels, length)
        shares = shares_of(blocks.num_row_blocks, blocks.num_channel_blocks)
        partials = _partials(NUM_MOMENTS, shares, batch)
        launch(
            row_statistics,
            shares.splits * shares.num_units,
            batch.tensor,
            batch.tensor,
            partials,
            samples * length,
            channels,
            shares.splits,
            shares.num_blocks,
            shares.per_split,
            *vectors,
            ROWS=blocks.rows,
            CHANNELS=blocks.channels,
            IS_ALONE=shares.is_alone,
            **has,
        )
    else:
        cut = planes.plane_blocks_of(samples, channels, length)
        shares = shares_of(cut.number, channels)
        partials = _partials(NUM_MOMENTS, shares, batch)
        launch(
            plane_statistics,
            shares.splits * channels,
            batch.tensor,
            batch.tensor,
            partials,
            samples,
            channels,
            length // cut.group,
            shares.splits,
            shares.num_blocks,
            shares.per_split,
            cut.num_position_blocks,
            *vectors,
            SAMPLES=cut.samples,
            POSITIONS=cut.positions,
            GROUP=cut.group,
            INDEX=cut.index,
            IS_ALONE=shares.is_alone,
            **has,
        )
    if not shares.is_alone:
        arguments = (partials, channels, shares.splits, *vectors)
        merge(merge_statistics, channels, batch.tensor, shares, arguments, has)


def _find_gradients(
    batch: Batch,
    upstream: Tensor,
    norm: Norm,
    tail: Tail,
    source: Source,
    vectors: tuple[Tensor, Tensor, Tensor],
) -> None:
    statistics, numbers, gradients = vectors
    _, samples, channels, length, is_rows = batch
    given = (statistics, numbers, *_affine(norm, numbers), gradients, norm.eps)
    factors = (*source.mask, scale(tail.p), tail.activation.parameter)
    has: dict[str, Any] = {**_has_affine(norm), "USES_BATCH": norm.uses_batch}
    how = {"ACTIVATION": tail.activation.name, "MASK": source.kind}
    if is_rows:
        blocks = rows.blocks_of(samples * length, channels, length)
        shares = shares_of(blocks.num_row_blocks, blocks.num_channel_blocks)
        partials = _partials(NUM_SUMS, shares, batch)
        launch(
            row_gradients,
            shares.splits * shares.num_units,
            batch.tensor,
            batch.tensor,
            upstream,
            source.bits,
            partials,
            samples * length,
            channels,
            length,
            shares.splits,
            shares.num_blocks,
            shares.per_split,
            *given,
            *factors,
            ROWS=blocks.rows,
            CHANNELS=blocks.channels,
            INDEX=blocks.index,
            IS_ALONE=shares.is_alone,
            IS_VECTORS=length == 1,
            **has,
            **how,
        )
    else:
        cut = planes.plane_blocks_of(samples, channels, length)
        shares = shares_of(cut.number, channels)
        partials = _partials(NUM_SUMS, shares, batch)
        launch(
            plane_gradients,
            shares.splits * channels,
            batch.tensor,
            batch.tensor,
            upstream,
            source.bits,
            partials,
            samples,
            channels,
            length // cut.group,
            shares.splits,
            shares.num_blocks,
            shares.per_split,
            cut.num_position_blocks,
            *given,
            *factors,
            SAMPLES=cut.samples,
            POSITIONS=cut.positions,
            GROUP=cut.group,
            INDEX=cut.index,
            IS_ALONE=shares.is_alone,
            **has,
            **how,
        )
    if not shares.is_alone:
        arguments = (partials, channels, shares.splits, samples * length, *given)
        merge(merge_gradients, channels, batch.tensor, shares, arguments, has)


def _apply(
    batch: Batch, upstream: Tensor | None, numbers: Tensor, tail: Tail, source: Source | None
) -> Tensor:
    """Return the output, or the input's gradient where there is one of the output."""
    tensor, samples, channels, length, is_rows = batch
    output, size = torch.empty_like(tensor), tensor.numel()
    factors = (scale(tail.p), tail.activation.parameter)
    tensors = (tensor, tensor if upstream is None else upstream, output)
    if is_rows and length > 1:
        blocks = rows.blocks_of(samples * length, channels, length)
        if source is None:
            source = source_of(size, size, *tail.numbers, tail.start, tensor)
        launch(
            apply_rows,
            blocks.number,
            tensor,
            *tensors,
            source.bits,
            numbers,
            samples * length,
            channels,
            length,
            *source.mask,
            *factors,
            ROWS=blocks.rows,
            CHANNELS=blocks.channels,
            INDEX=blocks.index,
            ACTIVATION=tail.activation.name,
            MASK=source.kind,
            IS_BACKWARD=upstream is not None,
        )
        return output
    group = planes.group_of(length, tail.start)
    tiles = tiles_for(tensor, group)
    launch(
        apply_planes,
        num_programs(size, tail.start, tiles),
        tensor,
        *tensors,
        numbers,
        size,
        channels,
        length,
        *mask_of(*tail.numbers, tail.start),
        *factors,
        TILES=tiles,
        GROUP=group,
        INDEX=tl.uint32 if length < _SMALL_RUN else tl.uint64,
        ACTIVATION=tail.activation.name,
        HAS_DROPOUT=tail.has_dropout,
        IS_BACKWARD=upstream is not None,
        HAS_START=tail.start > 0,
        num_warps=NUM_WARPS,
    )
    return output
