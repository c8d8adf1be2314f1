"""One mask for a batch that several processes share."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from wolfsbane.errors import ArgumentError, ArgumentTypeError

_rank = 0
"""Not a context variable: torch.compile guards a global's value, and a rank is the process's."""


@contextmanager
def shard(rank: int, world_size: int) -> Iterator[None]:
    """Give this process its part of every mask that is drawn in a `with` block.

    Data-parallel processes each have a part of the batch. With the same seed and this context they
    drop the very elements that one process with the whole batch would drop, so the losses agree,
    whatever the number of processes. The whole batch is the ranks' batches one after another, in
    the order of their ranks; all have the same size.

    The indices of a mask's elements, which the contract counts from 0, start at `rank` times the
    number of elements of the local mask. So the batch has to be the first dimension of what is
    dropped. Nothing else changes; in evaluation nothing is drawn. Where `torch.utils.checkpoint`
    draws masks again in backward, backward belongs in the block too.

    Args:
        rank: of this process, in [0, world_size).
        world_size: number of processes.

    Raises:
        ArgumentError, ArgumentTypeError: not a rank of a world of that size.

    Examples:
        >>> import torch
        >>> from wolfsbane import functional as F
        >>> def of_rank(rank, world_size):
        ...     _ = torch.manual_seed(0)
        ...     with shard(rank, world_size):
        ...         return F.dropout(torch.ones(6 // world_size, 5))
        >>> torch.equal(torch.cat([of_rank(0, 2), of_rank(1, 2)]), of_rank(0, 1))
        True
    """
    global _rank  # noqa: PLW0603
    for name, number in (("rank", rank), ("world_size", world_size)):
        if isinstance(number, bool) or not isinstance(number, int):
            raise ArgumentTypeError(
                f"{name} has to be an integer, but got {number!r} (of type "
                f"{type(number).__name__}). torch.distributed.get_{name}() gives it"
            )
    if not 0 <= rank < world_size:
        raise ArgumentError(
            f"rank has to be at least 0 and less than world_size, but got rank={rank} and "
            f"world_size={world_size}. torch.distributed.get_rank() and get_world_size() give them"
        )
    before = _rank
    _rank = rank
    try:
        yield
    finally:
        _rank = before


def first_index(mask_shape: Sequence[int]) -> int:
    """Return the logical index of this process's first element in a mask of its local shape."""
    return _rank * math.prod(mask_shape) if _rank else 0
