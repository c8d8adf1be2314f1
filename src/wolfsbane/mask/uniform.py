"""Uniform numbers that are a pure function of a key and a logical index.

As a mask, they depend neither on the device, nor on the layout, nor on the number of threads. Two
elements share a Philox block, n = i // 2, whose third word tells it from those of masks::

    w = philox4x32-7(counter = (n mod 2^32, n // 2^32, 1, 0), key = (key mod 2^32, key // 2^32))
    u_0 = (2 (2^20 w_0 + w_1 // 2^12) + 1) / 2^53        for even i, from w_2 and w_3 for odd i

So a number is an odd multiple of 2^-53, never 0 or 1, and the same on all devices.

References:
    Salmon et al. 2011, SC'11, doi:10.1145/2063384.2063405 (Philox).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from wolfsbane.mask.bits import philox4x32
from wolfsbane.mask.key import Key

DEVICES_WITHOUT_FLOAT64 = frozenset({"mps"})

_LOW32 = 0xFFFFFFFF
_STREAM = 1
"""The third word of the counters; the mask contract has 0 there."""


def uniform(size: Sequence[int], key: Key, device: torch.device, start: int = 0) -> Tensor:
    """Return uniform numbers in (0, 1), as float64 where the device has it.

    Args:
        size: the logical shape.
        key: an integer in [0, 2^64), or its bits as an int64 tensor without dimensions.
        device: where they are wanted.
        start: logical index of the first element.
    """
    return _shaped(_pairs(size, key, device, start), size, device, start)


def _pairs(
    size: Sequence[int], key: Key, device: torch.device, start: int
) -> tuple[Tensor, Tensor]:
    """Return the two uniform numbers of each block that the elements lie in."""
    if device.type in DEVICES_WITHOUT_FLOAT64:
        device = torch.device("cpu")
    end = start + math.prod(size)
    counters = torch.arange(start // 2, -(end // -2), device=device)
    if isinstance(key, Tensor):
        key = key.to(device)
    halves = (key & _LOW32, key >> 32 & _LOW32)
    w0, w1, w2, w3 = philox4x32((counters & _LOW32, counters >> 32, _STREAM, 0), halves)
    return _in_unit_interval(w0, w1), _in_unit_interval(w2, w3)


def _in_unit_interval(high: Tensor, low: Tensor) -> Tensor:
    odd = (high << 21) + (low >> 12 << 1) + 1
    return odd.double() * 2.0**-53


def _shaped(
    pair: tuple[Tensor, Tensor], size: Sequence[int], device: torch.device, start: int
) -> Tensor:
    numbers = torch.stack(pair, dim=-1).flatten(-2)
    numbers = numbers[..., start % 2 : start % 2 + math.prod(size)].reshape(tuple(size))
    return numbers.float().to(device) if numbers.device.type != device.type else numbers
