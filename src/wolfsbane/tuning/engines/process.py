"""One worker process of this machine: a loky executor of its own."""

import os
import time
from concurrent.futures import Future

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from wolfsbane.tuning.engines.failure import Failure
from wolfsbane.tuning.engines.interrupts import held
from wolfsbane.tuning.engines.parcel import Parcel
from wolfsbane.tuning.engines.worker import attempt, begin
from wolfsbane.tuning.trial import Outcome, Request

Answer = tuple[Request, Outcome | Failure]

Died = BrokenProcessPool
"""Raised where a process ended in the middle, or had ended before it was given anything."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""In a worker's environment: as many workers as cores, so one thread for each."""

LOOK = 0.001
"""Seconds between two looks at whether a training has been handed over; that takes a few."""


class Process:
    """A process that makes one training at a time, and stays for the next one."""

    def __init__(self) -> None:
        self._executor = ProcessPoolExecutor(
            max_workers=1, initializer=begin, initargs=(os.getpid(),), env=ONE_THREAD
        )
        self._given: Future[Answer] | None = None

    def give(self, parcel: Parcel, request: Request) -> Future[Answer]:
        """Begin a training.

        Raises:
            Died: the process has ended since its last one.
        """
        with held():
            self._given = self._executor.submit(attempt, parcel, request)
        return self._given

    def kill(self) -> None:
        """End the process and its own processes.

        An executor of loky's that is told to end with a training not yet handed over to the
        process breaks, and leaves semaphores behind.
        """
        while self._given is not None and not (self._given.running() or self._given.done()):
            time.sleep(LOOK)
        self._executor.shutdown(wait=True, kill_workers=True)
