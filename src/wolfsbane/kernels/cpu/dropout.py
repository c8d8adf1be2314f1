"""Dropout on a CPU: which kernel a mask and a layout need, and its arguments."""

import math

import torch
from torch import Tensor

from wolfsbane.kernels.cpu import signatures
from wolfsbane.kernels.cpu.dtypes import DTYPES
from wolfsbane.kernels.cpu.kernel import kernel
from wolfsbane.kernels.dropout_layouts import DropoutKernels
from wolfsbane.kernels.layout import as_batch, in_layout_of, is_channels_last
from wolfsbane.mask import threshold
from wolfsbane.mask.bits import LANES, TILE

TILES_PER_CHUNK = 32
"""32,768 elements, which one thread drops in about 10 microseconds; measured best from there on."""


def _element_wise(
    input: Tensor,
    residual: Tensor | None,
    p: float,
    key: int,
    coefficients: tuple[float, float, float],
    start: int = 0,
    out: Tensor | None = None,
) -> Tensor:
    output = torch.empty_like(input) if out is None else out
    is_affine = coefficients[1] != 0.0 or coefficients[2] != 0.0
    kind = "residual" if residual is not None else "affine" if is_affine else "zeroing"
    size = input.numel()
    kernel(signatures.DROPOUT, "dropout", DTYPES[input.dtype], kind)(
        -((start % TILE + size) // -(TILE * TILES_PER_CHUNK)),
        size,
        x=input.data_ptr(),
        y=output.data_ptr(),
        residual=0 if residual is None else residual.data_ptr(),
        start=start,
        end=start + size,
        key=key,
        threshold=threshold(p),
        scale=coefficients[0],
        shift=coefficients[1],
        fill=coefficients[2],
        tiles_per_chunk=TILES_PER_CHUNK,
    )
    return output


def mask_bits(size: int, p: float, key: int, start: int = 0) -> Tensor:
    """Return the mask of `size` elements, an eighth of a byte each; see `source.philox`."""
    first_tile, offset = divmod(start, TILE)
    num_tiles = -((offset + size) // -TILE)
    bits = torch.empty(num_tiles * LANES, dtype=torch.uint8, device="cpu")
    kernel(signatures.MASK_BITS, "mask_bits")(
        -(num_tiles // -TILES_PER_CHUNK),
        size,
        bits=bits.data_ptr(),
        first_tile=first_tile,
        num_tiles=num_tiles,
        tiles_per_chunk=TILES_PER_CHUNK,
        key=key,
        threshold=threshold(p),
    )
    return _from_element(bits, offset) if offset else bits


def _from_element(bits: Tensor, offset: int) -> Tensor:
    """Return the bits of a mask that starts at an element within the first tile.

    A tile's byte holds the bits of one lane, one for each run of 128 elements.
    """
    runs = torch.arange(TILE // LANES, dtype=torch.uint8, device="cpu").view(-1, 1)
    kept = (bits.view(-1, 1, LANES) >> runs & 1).flatten()
    kept = torch.nn.functional.pad(kept[offset:], (0, offset)).view(-1, TILE // LANES, LANES)
    return (kept << runs).sum(1, dtype=torch.uint8).flatten()


def _channels_last(
    input: Tensor, p: float, key: int, coefficients: tuple[float, float, float], start: int
) -> Tensor:
    output, batch = torch.empty_like(input), as_batch(input)
    bits = mask_bits(input.numel(), p, key, start)
    kernel(signatures.CHANNELS_LAST_DROPOUT, "channels_last_dropout", DTYPES[input.dtype])(
        -(batch.samples * batch.length // -signatures.BLOCK),
        input.numel(),
        x=input.data_ptr(),
        y=output.data_ptr(),
        bits=bits.data_ptr(),
        samples=batch.samples,
        channels=batch.channels,
        length=batch.length,
        scale=coefficients[0],
        shift=coefficients[1],
        fill=coefficients[2],
    )
    return output


def _broadcast(
    input: Tensor,
    p: float,
    key: int,
    mask_shape: tuple[int, ...],
    coefficients: tuple[float, float, float],
    start: int,
) -> Tensor:
    decisions = math.prod(mask_shape)
    outer, inner = decisions, 1
    source = input
    if is_channels_last(input) and decisions == input.size(0) * input.size(1):
        outer, inner = input.size(0), input.size(1)
    elif not (input.is_contiguous() or (decisions == input.size(0) and is_channels_last(input))):
        source = input.contiguous()
    output, bits = torch.empty_like(source), mask_bits(decisions, p, key, start)
    kernel(signatures.BROADCAST_DROPOUT, "broadcast_dropout", DTYPES[input.dtype])(
        min(outer, -(input.numel() // -(TILE * TILES_PER_CHUNK))),
        input.numel(),
        x=source.data_ptr(),
        y=output.data_ptr(),
        bits=bits.data_ptr(),
        outer=outer,
        middle=input.numel() // decisions,
        inner=inner,
        scale=coefficients[0],
        shift=coefficients[1],
        fill=coefficients[2],
    )
    return output if source is input else in_layout_of(output, input)


_kernels = DropoutKernels(_element_wise, _channels_last, _broadcast)
masked_affine, dropout_add = _kernels.masked_affine, _kernels.dropout_add
