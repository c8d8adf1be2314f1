"""Warm processes, and the runs that they make."""

import threading
from contextlib import suppress

from wolfsbane.errors import UnsupportedError, WolfsbaneError
from wolfsbane.learn.workers.job import Job
from wolfsbane.learn.workers.keeper import Keeper
from wolfsbane.learn.workers.process import Kind, WorkerProcess
from wolfsbane.learn.workers.run import Run

__all__ = ["BusyError", "Run", "Workers"]

MOST_RUNS = 2
"""At once, of each kind: a laptop's cores and memory."""


class BusyError(WolfsbaneError):
    """As many runs are going as may."""


class Workers:
    """What starts runs. The methods may be called from any thread.

    One process for our own experiments and one for a student's program are warmed up in the
    background, and as soon as one is taken, the next. A process with our own code is used again
    after a run that has finished; one with a student's is not.

    Args:
        are_warmed: whether processes are started before they are needed. For a single run they
            are not worth their start.
    """

    def __init__(self, *, are_warmed: bool = True) -> None:
        self._are_warmed = are_warmed
        self._state = threading.Lock()
        self._keeper = Keeper()
        self._waiting: dict[Kind, list[WorkerProcess]] = {kind: [] for kind in Kind}
        self._runs: dict[Kind, set[Run]] = {kind: set() for kind in Kind}
        self._is_closed = False
        for kind in Kind:
            self._warm_up(kind)

    def start(self, job: Job) -> Run:
        """Begin a job in a process that is warm already, where one is.

        Raises:
            BusyError: as many runs are going as may, or the machine starts no process.
            UnsupportedError: the workers are closed.
        """
        kind = Kind.CONFINED if job.is_confined else Kind.TRUSTED
        with self._state:
            self._check_may_start(kind)
            process = self._taken(kind)
            run = Run(job, process, lambda: WorkerProcess(kind, self._keeper), self._take_back)
            self._runs[kind].add(run)
            self._warm_up(kind)
        return run

    def close(self) -> None:
        """End all runs and processes."""
        with self._state:
            self._is_closed = True
            waiting = [process for each in self._waiting.values() for process in each]
            runs = [run for each in self._runs.values() for run in each]
            self._waiting = {kind: [] for kind in Kind}
        for run in runs:
            run.cancel()
        for process in waiting:
            process.dispose()
        for run in runs:
            run.join()
        self._keeper.close()

    def _check_may_start(self, kind: Kind) -> None:
        if self._is_closed:
            raise UnsupportedError("the lesson is closing: no run can be started any more")
        if len(self._runs[kind]) >= MOST_RUNS:
            what = "programs" if kind is Kind.CONFINED else "experiments"
            raise BusyError(
                f"{MOST_RUNS} {what} are running already. Wait until one has ended, or cancel one"
            )

    def _taken(self, kind: Kind) -> WorkerProcess:
        """Return the process that has waited least: one used before is warm for certain."""
        waiting = self._waiting[kind]
        try:
            return waiting.pop() if waiting else WorkerProcess(kind, self._keeper)
        except OSError as error:
            raise BusyError(
                f"this machine cannot start a process now: {error.strerror}. End others first"
            ) from error

    def _warm_up(self, kind: Kind) -> None:
        """Have one process waiting; of those used again, no more in all than may run.

        Where the machine cannot start one now, the next run tries again, and says why not.
        """
        is_full = kind is Kind.TRUSTED and len(self._runs[kind]) >= MOST_RUNS
        is_wanted = self._are_warmed and not self._is_closed
        if is_wanted and not self._waiting[kind] and not is_full:
            with suppress(OSError):
                self._waiting[kind].append(WorkerProcess(kind, self._keeper))

    def _take_back(self, run: Run, process: WorkerProcess, has_finished: bool) -> None:
        kind = process.kind
        with self._state:
            self._runs[kind].discard(run)
            is_fit = kind is Kind.TRUSTED and has_finished and not self._is_closed
            if is_fit and len(self._waiting[kind]) < MOST_RUNS:
                self._waiting[kind].append(process)
                return
            self._warm_up(kind)
        process.dispose()
