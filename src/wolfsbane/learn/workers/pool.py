"""Warm processes, and the runs that they make."""

from collections.abc import Iterator
from typing import Any, Protocol

from wolfsbane.errors import WolfsbaneError
from wolfsbane.learn.workers.job import Job


class BusyError(WolfsbaneError):
    """As many runs are going as may. Says so, and what to do."""


class Run(Protocol):
    """One job that is being done. The methods may be called from any thread."""

    def blocks(self) -> Iterator[dict[str, Any]]:
        """Yield each block, as JSON, as soon as it is there; the last is `ended`. Once only."""

    def cancel(self) -> None:
        """End the run now. `blocks` then ends with a block that says so."""


class Workers(Protocol):
    """What starts runs."""

    def start(self, job: Job) -> Run:
        """Begin a job in a process that is warm already, where one is.

        Raises:
            BusyError: as many runs are going as may.
        """

    def close(self) -> None:
        """End all runs and processes."""
