"""Dropout of rows of channels (N, S, C), on a GPU, without a copy to another layout.

y = keep ? scale x + shift : fill, computed in float32 and rounded once; the mask is in the order of
(N, C, S), or of (N, C) where it is per channel. Moves 2s bytes an element, and where the input is
large two eighths of a byte for the mask's bits, which are read along positions, as they lie in
memory, and turned in shared memory: read along channels, each would be a memory line of its own.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from wolfsbane.kernels.gpu.launch import PER_CALL, launch
from wolfsbane.kernels.gpu.mask_bits import source_of
from wolfsbane.kernels.gpu.memory import as_element_of
from wolfsbane.kernels.gpu.rows import blocks_of, keep_rows, row_block
from wolfsbane.kernels.layout import as_batch


@triton.jit(do_not_specialize=PER_CALL)
def _channels_last_dropout(
    x,
    y,
    bits,
    num_rows,
    channels,
    length,
    key_low,
    key_high,
    cut,
    first,
    scale,
    shift,
    fill,
    ROWS: tl.constexpr,
    CHANNELS: tl.constexpr,
    MASK: tl.constexpr,
    INDEX: tl.constexpr,
    IS_PER_CHANNEL: tl.constexpr,
):
    rows, columns = tl.arange(0, ROWS), tl.arange(0, CHANNELS)
    block, channel = row_block(channels, CHANNELS)
    row = block * ROWS
    in_range = (rows < num_rows - row)[:, None] & (columns < channels - channel)[None, :]
    place = row * channels + channel
    offsets = rows[:, None] * tl.cast(channels, tl.int64) + columns[None, :]
    value = tl.load(x + place + offsets, mask=in_range, other=0.0).to(tl.float32)
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
        IS_PER_CHANNEL,
    )
    value = tl.where(kept, value * scale + shift, fill)
    tl.store(y + place + offsets, as_element_of(y, value), mask=in_range)


def channels_last(
    input: Tensor,
    p: float,
    key: int,
    coefficients: tuple[float, float, float],
    start: int,
    *,
    is_per_channel: bool = False,
) -> Tensor:
    """Drop elements of a channels-last tensor, or whole channels of its samples."""
    output, batch, size = torch.empty_like(input), as_batch(input), input.numel()
    num_rows = batch.samples * batch.length
    blocks = blocks_of(num_rows, batch.channels, batch.length)
    decisions = batch.samples * batch.channels if is_per_channel else size
    source = source_of(decisions, size, p, key, start, input)
    launch(
        _channels_last_dropout,
        blocks.number,
        input,
        input,
        output,
        source.bits,
        num_rows,
        batch.channels,
        batch.length,
        *source.mask,
        *coefficients,
        ROWS=blocks.rows,
        CHANNELS=blocks.channels,
        MASK=source.kind,
        INDEX=blocks.index,
        IS_PER_CHANNEL=is_per_channel,
    )
    return output
