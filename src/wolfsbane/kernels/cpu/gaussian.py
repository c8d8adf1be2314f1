"""Gaussian dropout and noise on a CPU: the kernel's arguments."""

import torch
from torch import Tensor

from wolfsbane.kernels.cpu import signatures
from wolfsbane.kernels.cpu.dtypes import DTYPES
from wolfsbane.kernels.cpu.kernel import kernel
from wolfsbane.kernels.layout import in_layout_of
from wolfsbane.mask.normal import TILE

_TILES_PER_CHUNK = 32
"""16,384 elements, which take one thread some 10 to 20 microseconds."""


def gaussian(input: Tensor, std: float, is_factor: bool, key: int, start: int = 0) -> Tensor:
    """See `wolfsbane.kernels.reference.gaussian`."""
    source, size = input.contiguous(), input.numel()
    output = torch.empty_like(source)
    if size:
        kernel(signatures.GAUSSIAN, "gaussian", DTYPES[input.dtype], is_factor)(
            -((start % TILE + size) // -(TILE * _TILES_PER_CHUNK)),
            size,
            x=source.data_ptr(),
            y=output.data_ptr(),
            start=start,
            end=start + size,
            key=key,
            std=std,
            tiles_per_chunk=_TILES_PER_CHUNK,
        )
    return output if source is input else in_layout_of(output, input)
