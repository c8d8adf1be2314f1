r"""The mask contract, version 1: which elements a dropout keeps.

A mask is a pure function of (key, p, logical index), and of nothing else: not of the device, the
dtype, the memory layout, the number of threads, or the executor. So a mask is never stored;
backward computes it again.

For the 64-bit row-major index $i$ of an element in the mask's logical shape::

    t = i // 1024,  r = i % 1024,  lane = r % 128,  j = r // 128,  n = 128 t + lane
    w = philox4x32-7(counter = (n mod 2^32, n // 2^32, 0, 0), key = (key mod 2^32, key // 2^32))
    u = (w[j % 4] >> (16 * (j // 4))) & 0xffff
    kept iff u >= T,  T = round(65536 p)

Sixteen bits an element, so one Philox block serves eight elements, and eight contiguous runs of
128 elements share the same 128 counters. Kept values are multiplied by `65536 / (65536 - T)`,
the inverse of the true keep rate: the output is unbiased although p is quantised to 1/65536.
For one key, masks are nested: what is kept at a rate is kept at every lower rate.

This module is the reference executor: plain torch, on any device.

References:
    Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC'11,
    doi:10.1145/2063384.2063405 (Philox; seven rounds pass BigCrush, table 2).
"""

import itertools
import math
import operator
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from wolfsbane.arguments import check_probability
from wolfsbane.errors import ArgumentError, ArgumentTypeError

__all__ = ["draw_key", "keep_mask", "scale", "threshold"]

LEVELS = 65536
"""A drop probability is a multiple of 1 / LEVELS: sixteen random bits an element."""

TILE = 1024
LANES = 128
"""A tile of 1024 elements is eight rows of 128 lanes; a lane has one Philox block."""

ROUNDS = 7

# Salmon et al., SC'11: the multipliers and the Weyl increments of Philox4x32.
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)

_CPU = torch.device("cpu")

_LOW16 = 0xFFFF
_LOW32 = 0xFFFFFFFF
_LOW64 = 0xFFFFFFFFFFFFFFFF
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def draw_key(generator: torch.Generator | None = None) -> int:
    """Draw the 64-bit key of one mask: one `torch.randint` call.

    Args:
        generator: the generator to draw from; torch's default CPU generator where None, whatever
            the device of the data, so that `torch.manual_seed`, `torch.random.fork_rng` and
            `torch.utils.checkpoint` hold for masks on every device.

    Returns:
        An integer in [0, 2^64).

    Raises:
        ArgumentTypeError: `generator` is not a torch.Generator.
        ArgumentError: inside `torch.func.vmap(randomness="different")`, where one key cannot do.

    Examples:
        >>> draw_key(torch.Generator().manual_seed(0)) == draw_key(torch.Generator().manual_seed(0))
        True
    """
    check_generator(generator)
    device = _CPU if generator is None else generator.device
    drawn = torch.randint(
        _INT64_MIN, _INT64_MAX, (), dtype=torch.int64, device=device, generator=generator
    )
    try:
        return int(drawn.item()) & _LOW64
    except RuntimeError as error:
        if not str(error).startswith("vmap:"):
            raise
        raise ArgumentError(
            "a mask's key is one number, so it cannot be drawn under vmap(randomness='different'): "
            "use randomness='same' for one mask, or a loop for one each"
        ) from error


def check_generator(generator: object) -> None:
    """Raise unless `generator` is a torch.Generator or None."""
    if generator is not None and not isinstance(generator, torch.Generator):
        raise ArgumentTypeError(
            f"generator has to be a torch.Generator or None, but got {generator!r} (of type "
            f"{type(generator).__name__}). From a seed: torch.Generator().manual_seed(3)"
        )


def threshold(p: float) -> int:
    """Return T = round(65536 p): an element is kept where its sixteen bits are at least T.

    Args:
        p: drop probability in [0, 1].

    Raises:
        ArgumentError, ArgumentTypeError: `p` is not a probability.

    Examples:
        >>> threshold(0.5)
        32768
    """
    return round(LEVELS * check_probability(p))


def scale(p: float) -> float:
    """Return 65536 / (65536 - T), the inverse of the true keep rate; infinite where T = 65536.

    Args:
        p: drop probability in [0, 1].

    Raises:
        ArgumentError, ArgumentTypeError: `p` is not a probability.

    Examples:
        >>> scale(0.5)
        2.0
    """
    kept = LEVELS - threshold(p)
    return LEVELS / kept if kept else math.inf


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

    first_tile, last_tile = start // TILE, -((start + count) // -TILE)
    counters = torch.arange(first_tile * LANES, last_tile * LANES, device=device)
    words = philox4x32((counters & _LOW32, counters >> 32, 0, 0), (key & _LOW32, key >> 32))
    # One row at a time: all eight as int64 would take twice the memory of a float32 input.
    rows = itertools.chain((word & _LOW16 for word in words), (word >> 16 for word in words))
    # (8, tiles, lanes) -> (tiles, 8, lanes), which is the order of the elements.
    kept = torch.stack([(row >= cut).view(-1, LANES) for row in rows], dim=1).flatten()
    offset = start - first_tile * TILE
    return kept[offset : offset + count].clone().view(size)


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
    key: tuple[int, int],
    rounds: int = ROUNDS,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the four 32-bit words of Philox4x32 for each counter, as int64 in [0, 2^32).

    Args:
        counter: four words in [0, 2^32), as int64 tensors; the upper two may be integers.
        key: two words in [0, 2^32).
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
