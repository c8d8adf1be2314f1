"""What the ranks of torch.distributed tell one another while they recalibrate together."""

import enum
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from wolfsbane.errors import ModelError
from wolfsbane.kernels.reference import accumulator
from wolfsbane.stats.moments import Moments, all_merged


class Signal(enum.IntEnum):
    """What a rank is about to do."""

    PASS = 0
    """It has a batch, and waits to hear whether all have one."""
    DONE = 1
    """It has no more batches."""
    FAILED = 2
    """It has raised."""


def num_ranks(group: Any = None) -> int:
    """Return how many processes there are to merge with, this one included."""
    if not (dist.is_available() and dist.is_initialized()):
        return 1
    return dist.get_world_size(group)


def gathered(own: Tensor, group: Any = None) -> list[Tensor]:
    """Return the tensor of every rank, in the ranks' order."""
    parts = [torch.empty_like(own) for _ in range(num_ranks(group))]
    dist.all_gather(parts, own, group=group)
    return parts


class Ranks:
    """The processes that recalibrate one model, each with batches of its own.

    They may have different numbers of batches, or none. Where one fails, all do, so that none is
    left waiting, and none is left with statistics that the others do not have.

    Args:
        device: where the messages live: the model's, for NCCL.
        in_step: whether the ranks have to call the model together, because batch norms of theirs
            share statistics. They do so while all have a batch.
    """

    def __init__(self, device: torch.device, in_step: bool) -> None:
        self.device = device
        self.in_step = in_step
        self.num_batches = 0
        self._is_open = num_ranks() > 1
        self._is_passing_together = False

    def shared_out(self, batches: Iterable[Any]) -> Iterator[tuple[Any, bool]]:
        """Yield this rank's batches, each with whether all ranks have one now.

        Then wait until all ranks are done, and count their batches together.

        Raises:
            ModelError: another rank failed.
        """
        own = 0
        for batch in batches:
            if self.in_step:
                self._is_passing_together = self._exchange(Signal.PASS, own) == {Signal.PASS}
            yield batch, self._is_passing_together
            self._is_passing_together = False
            own += 1
        while self._exchange(Signal.DONE, own) != {Signal.DONE}:
            pass  # the others go on without this one

    def fail(self) -> None:
        """Tell the others that this rank has raised, unless they know or cannot listen.

        In the midst of a pass that all make together they wait for statistics, not for a message.
        """
        if self._is_open and not self._is_passing_together:
            self._is_open = False
            gathered(self._message(Signal.FAILED, 0))

    def merged(self, parts: Sequence[Moments], calls: Sequence[int]) -> list[tuple[Moments, int]]:
        """Return each layer's moments and number of calls, over all ranks."""
        if num_ranks() == 1:
            return list(zip(parts, calls, strict=True))
        packed = [_packed(part, count) for part, count in zip(parts, calls, strict=True)]
        everyone = gathered(torch.cat([part.to(self.device) for part in packed]))
        by_rank = [part.split([one.numel() for one in packed]) for part in everyone]
        together = []
        for pieces, own in zip(zip(*by_rank, strict=True), parts, strict=True):
            moments = all_merged(_unpacked(piece.to(own.mean.device)) for piece in pieces)
            together.append((moments, int(sum(float(piece[1]) for piece in pieces))))
        return together

    def _exchange(self, signal: Signal, own: int) -> set[Signal]:
        """Hear what every rank is about to do. The numbers of batches count when all are done."""
        if not self._is_open:
            self.num_batches = own
            return {signal}
        heard = torch.stack(gathered(self._message(signal, own))).tolist()
        signals = [Signal(int(code)) for code, _ in heard]
        self.num_batches = int(sum(number for _, number in heard))
        if set(signals) == {Signal.DONE}:
            self._is_open = False
        if Signal.FAILED in signals:
            self._is_open = False
            failed = [str(rank) for rank, said in enumerate(signals) if said is Signal.FAILED]
            raise ModelError(
                f"rank {', '.join(failed)} failed while recalibrating, so nothing was changed on "
                "this one either. Its own error says why"
            )
        return set(signals)

    def _message(self, signal: Signal, number: int) -> Tensor:
        return torch.tensor([signal, number], dtype=torch.int64, device=self.device)


def merged_over(moments: Moments, group: Any) -> Moments:
    """Return a batch's moments over the ranks of a group, each of which calls this."""
    return all_merged(_unpacked(part) for part in gathered(_packed(moments, 0), group))


def _packed(moments: Moments, calls: int) -> Tensor:
    device = moments.mean.device
    # Exact up to 2^53 values.
    counts = torch.tensor([moments.count, calls], dtype=accumulator(device), device=device)
    return torch.cat([counts, moments.mean, moments.squares])


def _unpacked(packed: Tensor) -> Moments:
    mean, squares = packed[2:].chunk(2)
    return Moments(int(packed[0]), mean, squares)
