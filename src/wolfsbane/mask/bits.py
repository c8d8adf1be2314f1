"""The bits of a mask, in plain torch: the reference for every executor."""

import itertools
import math
import operator
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.mask.key import Key
from wolfsbane.mask.rate import LEVELS, threshold

TILE = 1024
LANES = 128
"""A tile of 1024 elements is eight rows of 128 lanes; a lane has one Philox block."""

ROUNDS = 7

# Salmon et al., SC'11: the multipliers and the Weyl increments of Philox4x32.
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)

_LOW16 = 0xFFFF
_LOW32 = 0xFFFFFFFF
_LOW64 = 0xFFFFFFFFFFFFFFFF


def keep_mask(
    shape: int | Sequence[int],
    p: float,
    key: int,
    device: torch.device | str = "cpu",
    start: int = 0,
) -> Tensor:
    """Return the mask of the contract: True where an element is kept.

    Args:
        shape: the logical shape: the input's for element-wise dropout, (N, C) for channels,
            (N,) for samples.
        p: drop probability in [0, 1].
        key: 64-bit key, as `draw_key` gives it.
        device: where the mask is wanted; its bits are the same on all devices.
        start: logical index of the first element, so that a shard can compute its part.

    Returns:
        A contiguous bool tensor of `shape`.

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range or of the wrong type.

    Examples:
        >>> whole = keep_mask(3000, 0.25, key=1)
        >>> int(whole.sum())
        2245
        >>> torch.equal(keep_mask(1000, 0.25, key=1, start=2000), whole[2000:])
        True

    References:
        The module's docstring.
    """
    size = _mask_size(shape)
    cut = threshold(p)
    count = size.numel()
    key = _unsigned("key", key, _LOW64, "draw_key() gives one")
    start = _unsigned("start", start, _LOW64 + 1 - count, "It is the index of the first element")
    if cut in {0, LEVELS} or count == 0:
        return torch.full(size, cut == 0, dtype=torch.bool, device=device)

    return keep_bits(size, cut, key, device, start)


def keep_bits(
    size: Sequence[int],
    cut: int | Tensor,
    key: Key,
    device: torch.device | str,
    start: int = 0,
) -> Tensor:
    """Return the mask of the contract for one key or, of shape (K, *size), for a tensor of keys.

    Args:
        size: the logical shape that each key has a mask for.
        cut: T, or a tensor of them that broadcasts to the keys' shape K.
        key: an integer in [0, 2^64), or int64 numbers of the same bits, of any shape K.
        device: where the mask is wanted.
        start: logical index of the first element.
    """
    count = math.prod(size)
    first_tile, last_tile = start // TILE, -((start + count) // -TILE)
    counters = torch.arange(first_tile * LANES, last_tile * LANES, device=device)
    if isinstance(key, Tensor):
        key = key.to(device).unsqueeze(-1)
    if isinstance(cut, Tensor):
        cut = cut.to(device)[..., None, None]
    halves = (key & _LOW32, key >> 32 & _LOW32)
    words = philox4x32((counters & _LOW32, counters >> 32, 0, 0), halves)
    # One row at a time: all eight as int64 would take twice the memory of a float32 input.
    rows = itertools.chain((word & _LOW16 for word in words), (word >> 16 for word in words))
    # (*K, 8, tiles, lanes) -> (*K, tiles, 8, lanes), which is the order of the elements.
    kept = torch.stack([row.unflatten(-1, (-1, LANES)) >= cut for row in rows], dim=-2).flatten(-3)
    offset = start - first_tile * TILE
    kept = kept[..., offset : offset + count].clone()
    return kept.view(kept.shape[:-1] + torch.Size(size))


def _mask_size(shape: int | Sequence[int]) -> torch.Size:
    sizes = shape if isinstance(shape, Sequence) else [shape]
    try:
        size = torch.Size([operator.index(length) for length in sizes])
    except TypeError:
        size = None
    if size is None or isinstance(shape, bool) or any(length < 0 for length in size):
        raise ArgumentTypeError(
            f"shape has to be a length or a sequence of lengths, none negative, but got {shape!r}"
        )
    return size


def _unsigned(name: str, value: object, largest: int, advice: str) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ArgumentTypeError(
            f"{name} has to be an integer, but got {value!r} (of type {type(value).__name__}). "
            f"{advice}"
        )
    number = operator.index(value)
    if not 0 <= number <= largest:
        raise ArgumentError(f"{name} has to be between 0 and {largest}, but got {number}. {advice}")
    return number


def philox4x32(
    counter: tuple[Tensor, Tensor, Tensor | int, Tensor | int],
    key: tuple[Key, Key],
    rounds: int = ROUNDS,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the four 32-bit words of Philox4x32 for each counter, as int64 in [0, 2^32).

    Args:
        counter: four words in [0, 2^32), as int64 tensors; the upper two may be integers.
        key: two words in [0, 2^32), as integers or tensors that broadcast with the counter.
        rounds: seven in the mask contract, ten in most libraries.
    """
    words: tuple[Tensor | int, ...] = counter
    k0, k1 = key
    for _ in range(rounds):
        c0, c1, c2, c3 = words
        high0, low0 = _multiply32(_MULTIPLIERS[0], c0)
        high1, low1 = _multiply32(_MULTIPLIERS[1], c2)
        words = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + _WEYL[0]) & _LOW32, (k1 + _WEYL[1]) & _LOW32
    return cast("tuple[Tensor, Tensor, Tensor, Tensor]", words)


def _multiply32(constant: int, word: Tensor | int) -> tuple[Tensor | int, Tensor | int]:
    """Return the high and the low 32 bits of constant * word.

    int64 multiplication wraps modulo 2^64, and the shift's sign extension is masked away, so the
    bits are those of the unsigned product.
    """
    product = word * constant
    return (product >> 32) & _LOW32, product & _LOW32
