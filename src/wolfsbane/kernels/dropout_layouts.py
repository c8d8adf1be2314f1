"""Which kernel of an executor a dropout needs: by its mask, and by the input's layout in memory."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from wolfsbane.kernels.layout import in_layout_of, is_channels_last
from wolfsbane.mask import scale
from wolfsbane.mask.rate import drops_all

Coefficients = tuple[float, float, float]


@dataclass(frozen=True)
class DropoutKernels:
    """An executor's kernels for dropout, and how an operation is made of them."""

    element_wise: Callable[[Tensor, Tensor | None, float, int, Coefficients, int], Tensor]
    """Takes a contiguous input and residual."""
    channels_last: Callable[[Tensor, float, int, Coefficients, int], Tensor]
    """Takes an input whose channels are innermost; one decision for each element."""
    broadcast: Callable[[Tensor, float, int, tuple[int, ...], Coefficients, int], Tensor]
    """Takes any input, and a mask that is shared by several elements."""

    def masked_affine(
        self,
        input: Tensor,
        p: float,
        key: int,
        mask_shape: tuple[int, ...],
        coefficients: Coefficients,
        start: int = 0,
    ) -> Tensor:
        """See `wolfsbane.kernels.reference.masked_affine`."""
        how = (p, key, coefficients, start)
        if drops_all(p) or input.numel() == 0:
            return torch.full_like(input, coefficients[2])
        if len(mask_shape) < input.dim():
            # As under vmap: one mask for all entries of the leading dimensions.
            rows = [
                self.masked_affine(row, p, key, mask_shape, coefficients, start) for row in input
            ]
            return in_layout_of(torch.stack(rows), input)
        if mask_shape != input.shape:
            return self._shared(input, p, key, mask_shape, coefficients, start)
        if input.is_contiguous():
            return self.element_wise(input, None, *how)
        if is_channels_last(input):
            return self.channels_last(input, *how)
        return in_layout_of(self.element_wise(input.contiguous(), None, *how), input)

    def _shared(
        self,
        input: Tensor,
        p: float,
        key: int,
        mask_shape: tuple[int, ...],
        coefficients: Coefficients,
        start: int,
    ) -> Tensor:
        """Drop by a mask that has ones in any dimensions, which `broadcast` wants last."""
        dims = range(input.dim())
        shared = [dim for dim in dims if mask_shape[dim] != input.size(dim)]
        own = [dim for dim in dims if dim not in shared and input.size(dim) > 1]
        if not own or own[-1] < shared[0]:
            return self.broadcast(input, p, key, mask_shape, coefficients, start)
        is_one_run = not any(shared[0] < dim < shared[-1] for dim in own)
        if is_one_run and input.is_contiguous():
            # As rows of channels: the kernels for channels-last need no copy.
            outer, inner = (math.prod(mask_shape[part]) for part in _around(shared))
            rows = input.view(outer, -1, inner).mT
            output = self.broadcast(rows, p, key, (outer, inner, 1), coefficients, start)
            return output.mT.reshape(input.shape)
        order = sorted(dims, key=lambda dim: (dim in shared, dim))
        moved = input.permute(order).contiguous()
        mask_of_moved = tuple(mask_shape[dim] for dim in order)
        output = self.broadcast(moved, p, key, mask_of_moved, coefficients, start)
        return in_layout_of(output.permute(_inverse(order)), input)

    def dropout_add(
        self, input: Tensor, residual: Tensor, p: float, key: int, start: int = 0
    ) -> Tensor:
        """Return dropout(input) + residual."""
        if drops_all(p) or input.numel() == 0:
            return torch.empty_like(input).copy_(residual)
        zeroing = (scale(p), 0.0, 0.0)
        output = self.element_wise(
            input.contiguous(), residual.contiguous(), p, key, zeroing, start
        )
        return in_layout_of(output, input)


def _around(shared: list[int]) -> tuple[slice, slice]:
    """Return the dimensions before a run of them, and those after it."""
    return slice(shared[0]), slice(shared[-1] + 1, None)


def _inverse(order: list[int]) -> list[int]:
    return sorted(range(len(order)), key=order.__getitem__)
