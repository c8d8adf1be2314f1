"""Where trainings run: this machine's processes, or a cluster."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.trial import Outcome, Request


class Engine(Protocol):
    """Makes trainings, several at once where it can."""

    @property
    def num_workers(self) -> int:
        """How many trainings run at once."""

    def run(
        self, setting: Setting, requests: Sequence[Request]
    ) -> Iterator[tuple[Request, Outcome]]:
        """Yield each request with its outcome as soon as that is there, in any order.

        A worker that dies takes its own training with it, which is made again. Closing the
        iterator ends what still runs.

        Raises:
            ModelError: a training failed by its own fault, or its worker died every time.
        """

    def close(self) -> None:
        """End the workers that it started; those of an existing cluster are left as they were."""
