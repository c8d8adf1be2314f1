r"""Normal numbers that are a pure function of a key and a logical index.

As a mask, they depend neither on the device, nor on the layout, nor on the number of threads. Each
is the normal quantile of one 32-bit word; four elements share a Philox block, whose third word
tells it from those of masks (0) and of uniform numbers (1). For an element's index $i$::

    t = i // 512,  r = i % 512,  lane = r % 128,  j = r // 128,  n = 128 t + lane
    w = philox4x32-7(counter = (n mod 2^32, n // 2^32, 2, 0), key = (key mod 2^32, key // 2^32))
    z = Phi^-1((w[j] + 1/2) / 2^32)

So z has one of 2^32 values, none of them zero or beyond 6.34, and each is as probable as its
negative: the mean is exactly 0, and the distribution function is nowhere more than 2^-33 off. The
words are equal on all devices. The quantile is computed here in float64, to the last digits; a
kernel that works in float32 states its own error.

References:
    Salmon et al. 2011, SC'11, doi:10.1145/2063384.2063405 (Philox).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from wolfsbane.mask.bits import LANES, philox4x32
from wolfsbane.mask.key import Key
from wolfsbane.mask.uniform import DEVICES_WITHOUT_FLOAT64

TILE = 4 * LANES
"""A tile of 512 elements is four rows of 128 lanes; a lane has one Philox block."""

_STREAM = 2
"""The third word of the counters."""

_LOW32 = 0xFFFFFFFF


def normal(size: Sequence[int], key: Key, device: torch.device, start: int = 0) -> Tensor:
    """Return normal numbers of mean 0 and variance 1, as float64 where the device has it.

    Args:
        size: the logical shape.
        key: an integer in [0, 2^64), or its bits as an int64 tensor without dimensions.
        device: where they are wanted.
        start: logical index of the first element.
    """
    computed = torch.device("cpu") if device.type in DEVICES_WITHOUT_FLOAT64 else device
    numbers = quantile(_words(math.prod(size), key, computed, start)).reshape(tuple(size))
    return numbers if computed is device else numbers.float().to(device)


def quantile(words: Tensor) -> Tensor:
    """Return the normal quantiles, in float64, of words in [0, 2^32)."""
    quantiles: Tensor = torch.special.ndtri((2 * words + 1).double() * 2.0**-33)
    return quantiles


def _words(count: int, key: Key, device: torch.device, start: int) -> Tensor:
    """Return the words of `count` elements, as int64."""
    first_tile, last_tile = start // TILE, -((start + count) // -TILE)
    counters = torch.arange(first_tile * LANES, last_tile * LANES, device=device)
    if isinstance(key, Tensor):
        key = key.to(device)
    halves = (key & _LOW32, key >> 32 & _LOW32)
    words = philox4x32((counters & _LOW32, counters >> 32, _STREAM, 0), halves)
    shape = (last_tile - first_tile, LANES)
    # (4, tiles, lanes) -> (tiles, 4, lanes), which is the order of the elements.
    rows = torch.stack([word.unflatten(-1, shape) for word in words], dim=-2).flatten(-3)
    offset = start - first_tile * TILE
    return rows[..., offset : offset + count]
