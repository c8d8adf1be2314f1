"""Trainings in processes of this machine: one loky executor for each worker.

An executor of joblib's loky with several workers ends all of them when one dies, so that every
training that runs would be lost. Executors of one worker each lose one training.
"""

import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from wolfsbane.tuning.engines.deaths import ATTEMPTS, died_every_time
from wolfsbane.tuning.engines.failure import Failure, unwrap
from wolfsbane.tuning.engines.interrupts import held
from wolfsbane.tuning.engines.parcel import Parcel, Perform, pack
from wolfsbane.tuning.engines.worker import attempt, begin
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.trial import Outcome, Request

Answer = tuple[Request, Outcome | Failure]

ONE_THREAD = {
    name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
}
"""In a worker's environment: as many workers as cores, so one thread for each."""


class Processes:
    """Makes trainings in processes of this machine, which stay warm from batch to batch.

    Args:
        num_workers: processes, two or more; started when there is a training for them.
        perform: makes one training.
    """

    def __init__(self, num_workers: int, perform: Perform) -> None:
        self.num_workers = num_workers
        self._perform = perform
        self._workers: set[ProcessPoolExecutor] = set()
        self._idle: list[ProcessPoolExecutor] = []

    def run(
        self, setting: Setting, requests: Sequence[Request]
    ) -> Iterator[tuple[Request, Outcome]]:
        """Yield each request with its outcome as soon as that is there."""
        batch = _Batch(pack(self._perform, setting), requests)
        try:
            self._fill(batch)
            while batch.running:
                answer = self._next(batch)
                self._fill(batch)
                if answer is not None:
                    yield answer[0], unwrap(answer[1])
        finally:
            self._end(self._workers.difference(self._idle))

    def close(self) -> None:
        """End all workers."""
        self._end(set(self._workers))

    def _fill(self, batch: "_Batch") -> None:
        """Give waiting trainings to idle workers, and start workers while there may be more."""
        while batch.waiting and len(batch.running) < self.num_workers:
            worker = self._idle.pop() if self._idle else self._start()
            try:
                with held():
                    future = worker.submit(attempt, batch.parcel, batch.waiting[0])
            except BrokenProcessPool:  # It died while it was idle.
                self._end({worker})
            else:
                batch.running[future] = worker, batch.waiting.popleft()

    def _start(self) -> ProcessPoolExecutor:
        worker = ProcessPoolExecutor(
            max_workers=1, initializer=begin, initargs=(os.getpid(),), env=ONE_THREAD
        )
        self._workers.add(worker)
        return worker

    def _next(self, batch: "_Batch") -> Answer | None:
        """Wait for a training to end; None where its worker died and it is made again."""
        done, _ = wait(batch.running, return_when=FIRST_COMPLETED)
        future = next(iter(done))
        worker, request = batch.running.pop(future)
        try:
            answer = future.result()
        except BrokenProcessPool as error:
            self._end({worker})
            batch.again(request, error)
            return None
        self._idle.append(worker)
        return answer

    def _end(self, workers: set[ProcessPoolExecutor]) -> None:
        """Kill these workers and their own processes, all at once."""
        self._workers -= workers
        self._idle = [worker for worker in self._idle if worker not in workers]
        if workers:
            with ThreadPoolExecutor(len(workers)) as threads:
                threads.map(_kill, workers)


class _Batch:
    """The trainings of one call: those that wait, those that run, and how often workers died."""

    def __init__(self, parcel: Parcel, requests: Sequence[Request]) -> None:
        self.parcel = parcel
        self.waiting = deque(requests)
        self.running: dict[Future[Answer], tuple[ProcessPoolExecutor, Request]] = {}
        self._deaths: Counter[int] = Counter()

    def again(self, request: Request, error: BrokenProcessPool) -> None:
        self._deaths[request.number] += 1
        if self._deaths[request.number] == ATTEMPTS:
            training = f"{request.configuration}, seed {request.seed}"
            raise died_every_time(
                training, f"{ATTEMPTS} times; {_exit_codes(error)}"
            ) from error
        self.waiting.appendleft(request)


def _exit_codes(error: BrokenProcessPool) -> str:
    """Return the line in which loky says how the process ended, such as by SIGKILL."""
    lines = [line for line in str(error).splitlines() if "exit codes" in line]
    return (lines or str(error).splitlines())[0]


def _kill(worker: ProcessPoolExecutor) -> None:
    worker.shutdown(wait=True, kill_workers=True)
