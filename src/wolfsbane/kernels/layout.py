"""How a tensor lies in memory, as far as kernels distinguish it."""

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """A tensor (N, C, *) whose elements lie as planes (N, C, S) or as rows (N, S, C)."""

    tensor: Tensor
    samples: int
    channels: int
    length: int
    """S, the number of positions."""
    is_rows: bool

    def matching(self, other: Tensor) -> Tensor:
        """Return `other`, of the same shape, in the same layout."""
        return _as_rows(other) if self.is_rows else other.contiguous()


def _as_rows(tensor: Tensor) -> Tensor:
    return tensor.movedim(1, -1).contiguous().movedim(-1, 1)


def is_channels_last(tensor: Tensor) -> bool:
    """Tell whether the channels (dimension 1) are innermost and the rest is in order."""
    return tensor.dim() > 2 and tensor.movedim(1, -1).is_contiguous()  # noqa: PLR2004


def as_batch(tensor: Tensor) -> Batch:
    """Describe a tensor (N, C, *), or a contiguous copy of it where its layout is another one."""
    samples, channels = tensor.shape[:2]
    length = math.prod(tensor.shape[2:])
    if tensor.is_contiguous():
        return Batch(tensor, samples, channels, length, is_rows=length == 1)
    if is_channels_last(tensor):
        return Batch(tensor, samples, channels, length, is_rows=True)
    return Batch(tensor.contiguous(), samples, channels, length, is_rows=length == 1)


def in_layout_of(tensor: Tensor, like: Tensor) -> Tensor:
    """Return `tensor` with the strides that torch.empty_like(like) has."""
    same = torch.empty_like(like)
    return tensor if tensor.stride() == same.stride() else same.copy_(tensor)
