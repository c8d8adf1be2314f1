"""Trainings in processes of this machine.

An executor of joblib's loky with several workers ends all of them when one dies, so that every
training that runs would be lost. Executors of one worker each lose one training.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from wolfsbane.tuning.engines.deaths import ATTEMPTS, died_every_time
from wolfsbane.tuning.engines.failure import unwrap
from wolfsbane.tuning.engines.parcel import Parcel, Perform, pack
from wolfsbane.tuning.engines.process import Answer, Died, Process
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.trial import Outcome, Request


class Processes:
    """Makes trainings in processes of this machine, which stay warm from batch to batch.

    Args:
        num_workers: processes, two or more; started when there is a training for them.
        perform: makes one training.
    """

    def __init__(self, num_workers: int, perform: Perform) -> None:
        self.num_workers = num_workers
        self._perform = perform
        self._processes: set[Process] = set()
        self._idle: list[Process] = []

    def run(
        self, setting: Setting, requests: Sequence[Request]
    ) -> Iterator[tuple[Request, Outcome]]:
        """Yield each request with its outcome as soon as that is there."""
        batch = _Batch(pack(self._perform, setting), requests)
        try:
            self._fill(batch)
            while batch.running:
                found = self._next(batch)
                self._fill(batch)
                if found is not None:
                    yield found
        finally:
            self._end(self._processes.difference(self._idle))

    def close(self) -> None:
        """End all processes."""
        self._end(list(self._processes))

    def _fill(self, batch: "_Batch") -> None:
        """Give waiting trainings to idle processes, and start some while there may be more."""
        while batch.waiting and len(batch.running) < self.num_workers:
            process = self._idle.pop() if self._idle else self._start()
            try:
                future = process.give(batch.parcel, batch.waiting[0])
            except Died:
                self._end([process])
            else:
                batch.running[future] = process, batch.waiting.popleft()

    def _start(self) -> Process:
        process = Process()
        self._processes.add(process)
        return process

    def _next(self, batch: "_Batch") -> tuple[Request, Outcome] | None:
        """Wait for a training to end; None where its process died and it is made again."""
        done, _ = wait(batch.running, return_when=FIRST_COMPLETED)
        future = next(iter(done))
        process, request = batch.running.pop(future)
        try:
            _, found = future.result()
        except Died as error:
            self._end([process])
            batch.again(request, error)
            return None
        self._idle.append(process)
        return request, unwrap(found)

    def _end(self, processes: Iterable[Process]) -> None:
        """Kill these processes, all at once."""
        ended = set(processes)
        self._processes -= ended
        self._idle = [process for process in self._idle if process not in ended]
        if ended:
            with ThreadPoolExecutor(len(ended)) as threads:
                list(threads.map(Process.kill, ended))


class _Batch:
    """The trainings of one call: those that wait, those that run, and how often workers died."""

    def __init__(self, parcel: Parcel, requests: Sequence[Request]) -> None:
        self.parcel = parcel
        self.waiting = deque(requests)
        self.running: dict[Future[Answer], tuple[Process, Request]] = {}
        self._deaths: Counter[int] = Counter()

    def again(self, request: Request, error: Exception) -> None:
        """Put a training first in the queue whose process died, unless all of its have."""
        self._deaths[request.number] += 1
        if self._deaths[request.number] == ATTEMPTS:
            training = f"{request.configuration}, seed {request.seed}"
            raise died_every_time(training, f"{ATTEMPTS} times; {_exit_codes(error)}") from error
        self.waiting.appendleft(request)


def _exit_codes(error: Exception) -> str:
    """Return the line in which loky says how the process ended, such as by SIGKILL."""
    lines = [line for line in str(error).splitlines() if "exit codes" in line]
    return (lines or str(error).splitlines())[0]
