"""One mask, or other numbers, for all samples of a forward pass."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wolfsbane.errors import UnsupportedError
from wolfsbane.kernels.dropout import masked_affine
from wolfsbane.kernels.reference import HALF_PRECISION

FEW_ELEMENTS = 2**17
"""Up to here, three of torch's own functions take less time than a kernel for a shared mask."""


@dataclass(frozen=True)
class Draw:
    """One mask for a window of samples, with all that a kernel needs."""

    p: float
    key: int
    mask_shape: tuple[int, ...]
    """Of one sample."""
    coefficients: tuple[float, float, float]
    first: int

    def apply(self, input: Tensor, count: int) -> Tensor:
        """Drop elements of (count, *mask's dimensions), of as many samples."""
        shape = (count, *self.mask_shape)
        if self.selects(tuple(input.shape[1:]), input.numel(), math.prod(shape)):
            ones = torch.ones(shape, device=input.device)
            kept = masked_affine(ones, self.p, self.key, shape, (1.0, 0.0, 0.0), self.start) != 0
            return self._select(input, kept)
        if len(shape) > 1:  # the kernels know (N, C, *), not one dimension more
            shape = (count * self.mask_shape[0], *self.mask_shape[1:])
            flat = input.flatten(0, 1)
        else:
            flat = input.contiguous()
        output = masked_affine(flat, self.p, self.key, shape, self.coefficients, self.start)
        return output.reshape(input.shape)

    def selects(self, shape: tuple[int, ...], num_elements: int, num_decisions: int) -> bool:
        """Whether the mask is made first: where rows share it, or several of few elements do.

        The kernels for shared masks begin a sample within a tile at a cost of its own.
        """
        if shape and self.mask_shape[0] == 1 != shape[0]:
            return True
        return num_decisions < num_elements <= FEW_ELEMENTS

    @property
    def start(self) -> int:
        """Index of the first sample's first element."""
        return self.first * math.prod(self.mask_shape)

    def _select(self, input: Tensor, kept: Tensor) -> Tensor:
        scale, shift, fill = self.coefficients
        wide = input.float() if input.dtype in HALF_PRECISION else input
        output = wide * scale + shift if shift else wide * scale
        return torch.where(kept, output, fill).to(input.dtype)


def mapped_draw(input: Tensor, index: Tensor, draw: Draw) -> Tensor:
    """Drop under torch.func.vmap over samples, by the kernels that run outside of it."""
    output: Tensor = _OfEverySample.apply(input, index, draw)
    return output


def mapped_numbers(index: Tensor, make: Callable[[int], Tensor]) -> Tensor:
    """Return numbers under torch.func.vmap over samples, made outside of it, (count, *)."""
    output: Tensor = _NumbersOfEverySample.apply(index, make)
    return output


class _OfEverySample(torch.autograd.Function):
    @staticmethod
    def forward(input: Tensor, index: Tensor, draw: Draw) -> Tensor:
        raise AssertionError("the samples' numbers are mapped over")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        pass

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], input: Tensor, index: Tensor, draw: Draw
    ) -> tuple[Tensor, int]:
        if in_dims[1] is None:
            raise UnsupportedError(
                "strategy='prefix' cannot look into a model that uses torch.func.vmap itself: "
                "use strategy='loop'"
            )
        count = info.batch_size
        if in_dims[0] is None:
            every = input.unsqueeze(0).expand(count, *input.shape)
        else:
            every = input.movedim(in_dims[0], 0)
        return draw.apply(every, count), 0


class _NumbersOfEverySample(torch.autograd.Function):
    @staticmethod
    def forward(index: Tensor, make: Callable[[int], Tensor]) -> Tensor:
        raise AssertionError("the samples' numbers are mapped over")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        pass

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], index: Tensor, make: Callable[[int], Tensor]
    ) -> tuple[Tensor, int]:
        return make(info.batch_size), 0
