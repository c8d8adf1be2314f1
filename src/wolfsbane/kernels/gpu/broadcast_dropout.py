"""Dropout with a broadcast mask, on a GPU: one decision for a channel or a sample.

y = keep ? scale x + shift : fill, computed in float32 and rounded once. Moves 2s bytes an element.
The decisions are few; where the input is large they are written down first, an eighth of a byte
each. Elements lie in runs that share a decision; GROUP neighbours are sure to share it, and look it
up together.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from wolfsbane.kernels.gpu.channels_last_dropout import channels_last
from wolfsbane.kernels.gpu.launch import PER_CALL, launch
from wolfsbane.kernels.gpu.mask_bits import source_of
from wolfsbane.kernels.gpu.memory import as_element_of
from wolfsbane.kernels.gpu.philox import keep_at
from wolfsbane.kernels.gpu.planes import group_of
from wolfsbane.kernels.layout import in_layout_of, is_channels_last

BLOCK = 4096
"""Elements of a program: 32 for each of 128 threads, as eight or four loads of 16 bytes."""

_SMALL_RUN = 1 << 31
"""Runs below this are divided in 32 bits, which takes a quarter of the instructions."""


@triton.jit(do_not_specialize=PER_CALL)
def _broadcast_dropout(
    x,
    y,
    bits,
    size,
    length,
    key_low,
    key_high,
    cut,
    first,
    scale,
    shift,
    fill,
    BLOCK: tl.constexpr,
    GROUP: tl.constexpr,
    MASK: tl.constexpr,
    INDEX: tl.constexpr,
):
    start = tl.program_id(0).to(tl.int64) * BLOCK
    group = tl.arange(0, BLOCK // GROUP)[:, None] * GROUP
    offsets = group + tl.arange(0, GROUP)[None, :]
    in_range = offsets < size - start
    value = tl.load(x + start + offsets, mask=in_range, other=0.0).to(tl.float32)
    # A group that begins in range ends there: its size divides a run's, and that the whole.
    within = (start % length).to(INDEX) + group.to(INDEX)
    decision = start // length
    base = ((decision + first) >> 10) << 10
    offset = (decision + first - base).to(tl.int32) + (within // tl.cast(length, INDEX)).to(
        tl.int32
    )
    kept = keep_at(base, offset, group < size - start, bits, key_low, key_high, cut, MASK)
    value = tl.where(kept, value * scale + shift, fill)
    tl.store(y + start + offsets, as_element_of(y, value), mask=in_range)


def broadcast(
    input: Tensor,
    p: float,
    key: int,
    mask_shape: tuple[int, ...],
    coefficients: tuple[float, float, float],
    start: int,
) -> Tensor:
    """Drop channels or samples: `mask_shape` has ones where it is broadcast."""
    decisions = math.prod(mask_shape)
    source = input
    if not input.is_contiguous():
        if not is_channels_last(input) or decisions not in {input.size(0), _num_planes(input)}:
            source = input.contiguous()
        elif decisions != input.size(0):
            return channels_last(input, p, key, coefficients, start, is_per_channel=True)
    output, size = torch.empty_like(source), input.numel()
    length = size // decisions
    mask = source_of(decisions, size, p, key, start, source)
    launch(
        _broadcast_dropout,
        -(size // -BLOCK),
        source,
        source,
        output,
        mask.bits,
        size,
        length,
        *mask.mask,
        *coefficients,
        BLOCK=BLOCK,
        GROUP=group_of(length),
        MASK=mask.kind,
        INDEX=tl.uint32 if length < _SMALL_RUN else tl.uint64,
    )
    return output if source is input else in_layout_of(output, input)


def _num_planes(input: Tensor) -> int:
    return input.size(0) * input.size(1)
