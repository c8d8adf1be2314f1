"""Trainings in this process, one after the other: nothing is sent, and a debugger sees all."""

from collections.abc import Iterator, Sequence

from wolfsbane.tuning.engines.parcel import Perform
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.trial import Outcome, Request


class Here:
    """Makes trainings in this process, with as many threads as torch has."""

    num_workers = 1

    def __init__(self, perform: Perform) -> None:
        self._perform = perform

    def run(
        self, setting: Setting, requests: Sequence[Request]
    ) -> Iterator[tuple[Request, Outcome]]:
        """Yield each request with its outcome, in their order."""
        for request in requests:
            yield request, self._perform(setting, request)

    def close(self) -> None:
        """Do nothing: no process was started."""
