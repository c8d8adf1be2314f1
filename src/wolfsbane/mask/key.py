"""Keys: one 64-bit number a mask, drawn from torch's generators."""

from typing import TypeAlias

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, ArgumentTypeError

Key: TypeAlias = int | Tensor
"""A key in [0, 2^64), or its 64 bits as an int64 tensor where a number is not to be had."""

_CPU = torch.device("cpu")
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
    if generator is not None:
        check_generator(generator)
    try:
        return int(randint(generator).item()) & _LOW64
    except RuntimeError as error:
        if not str(error).startswith("vmap:"):
            raise
        raise ArgumentError(
            "a mask's key is one number, so it cannot be drawn under vmap(randomness='different'): "
            "use randomness='same' for one mask, or a loop for one each"
        ) from error


def randint(generator: torch.Generator | None) -> Tensor:
    """Return the 64 bits of a new key as an int64 tensor without dimensions."""
    device = _CPU if generator is None else generator.device
    return torch.randint(
        _INT64_MIN, _INT64_MAX, (), dtype=torch.int64, device=device, generator=generator
    )


def key_as_tensor(key: Key) -> Tensor:
    """Return a key's bits as an int64 tensor."""
    if isinstance(key, Tensor):
        return key
    return torch.tensor(key - (key >> 63 << 64), dtype=torch.int64, device=_CPU)


def key_as_number(key: Tensor) -> int:
    """Return the number that a key's bits stand for."""
    return int(key.item()) & _LOW64


def check_generator(generator: object) -> None:
    """Raise unless `generator` is a torch.Generator or None."""
    if generator is not None and not isinstance(generator, torch.Generator):
        raise ArgumentTypeError(
            f"generator has to be a torch.Generator or None, but got {generator!r} (of type "
            f"{type(generator).__name__}). From a seed: torch.Generator().manual_seed(3)"
        )
