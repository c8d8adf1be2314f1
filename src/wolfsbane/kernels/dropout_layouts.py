"""Which kernel of an executor a dropout needs: by its mask, and by the input's layout in memory."""

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
            return self.broadcast(input, p, key, mask_shape, coefficients, start)
        if input.is_contiguous():
            return self.element_wise(input, None, *how)
        if is_channels_last(input):
            return self.channels_last(input, *how)
        return in_layout_of(self.element_wise(input.contiguous(), None, *how), input)

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
