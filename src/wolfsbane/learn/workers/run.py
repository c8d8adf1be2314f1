"""One job that is being done."""

import queue
import threading
import time
from collections.abc import Callable, Iterator

from wolfsbane.errors import UnsupportedError
from wolfsbane.learn.block_json import to_json
from wolfsbane.learn.blocks import End, Ended, Printed
from wolfsbane.learn.workers import endings
from wolfsbane.learn.workers.job import Job
from wolfsbane.learn.workers.messages import OUTPUT, READY, TAKEN, Message, NotUnderstoodError
from wolfsbane.learn.workers.process import OutOfTimeError, WorkerProcess
from wolfsbane.learn.workers.watch import TooMuchTakenError

Spawn = Callable[[], WorkerProcess]
Release = Callable[["Run", WorkerProcess, bool], None]


class Run:
    """One job that is being done. The methods may be called from any thread.

    Args:
        job: what is done.
        process: a process, warm or getting so.
        spawn: starts another, should that one have died while it waited.
        release: takes the process back at the end, with whether the job was finished in it.
    """

    def __init__(self, job: Job, process: WorkerProcess, spawn: Spawn, release: Release) -> None:
        self._job = job
        self._process = process
        self._spawn = spawn
        self._release = release
        self._blocks: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._printed = _Printed(job)
        self._state = threading.Lock()
        self._is_cancelled = self._is_over = self._is_told = False
        self._thread = threading.Thread(target=self._work, name="wolfsbane run", daemon=True)
        self._thread.start()

    def blocks(self) -> Iterator[Message]:
        """Yield each block, as JSON, as soon as it is there; the last is `ended`. Once only.

        Closing the iterator early ends the run.

        Raises:
            UnsupportedError: it was called before.
        """
        with self._state:
            if self._is_told:
                raise UnsupportedError("a run's blocks can be had once. Keep them, or run again")
            self._is_told = True
        return self._told()

    def _told(self) -> Iterator[Message]:
        try:
            while True:
                block = self._blocks.get()
                yield block
                if block["kind"] == "ended":
                    return
        finally:
            self.cancel()

    def cancel(self) -> None:
        """End the run now. `blocks` then ends with a block that says so."""
        with self._state:
            if self._is_over:
                return
            self._is_cancelled = True
            self._process.kill()

    def join(self) -> None:
        """Wait until the run is over and its process given back."""
        self._thread.join()

    def _work(self) -> None:
        try:
            ended = self._done()
        except Exception as error:  # noqa: BLE001  # a run that never ends would be worse
            ended = Ended(End.FAILED, f"The run could not be followed: {error!r}. Please report.")
        with self._state:
            self._is_over = True
            if self._is_cancelled:
                ended = endings.CANCELLED
        if ended.end is not End.FINISHED and self._printed.is_pending:
            self._blocks.put(to_json(Printed(program="", output=self._printed.text)))
        try:
            # Before the end is told: who hears of it may start the next run at once.
            self._release(self, self._process, ended.end is End.FINISHED)
        finally:
            self._blocks.put(to_json(ended))

    def _done(self) -> Ended:
        if self._is_taken() or (self._replaces() and self._is_taken()):
            return self._followed()
        return endings.not_started(self._process.last_words())

    def _is_taken(self) -> bool:
        return self._process.wait_until_ready() and self._process.send(self._job)

    def _replaces(self) -> bool:
        """Put another process in the place of one that died before it had the job."""
        with self._state:
            if self._is_cancelled:
                return False
        fresh = self._spawn()
        with self._state:
            dead, self._process = self._process, fresh
            if self._is_cancelled:
                fresh.kill()
        dead.dispose()
        return True

    def _followed(self) -> Ended:
        deadline = time.monotonic() + self._job.limits.seconds
        try:
            while (message := self._process.read(deadline)) is not None:
                if message["kind"] == "ended":
                    return Ended(End(message["end"]), message["text"])
                self._take(message)
        except OutOfTimeError:
            return endings.out_of_time(self._job)
        except NotUnderstoodError:
            return endings.not_understood(self._job)
        except TooMuchToldError:
            return endings.too_much_output(self._job)
        except TooMuchTakenError as error:
            return endings.too_much_taken(error.much)
        code = self._process.exit_code()
        return endings.broke_off(self._job, code, self._process.last_words())

    def _take(self, message: Message) -> None:
        if message["kind"] in (READY, TAKEN):
            raise NotUnderstoodError("told twice")
        self._printed.take(message)
        if message["kind"] != OUTPUT:
            self._blocks.put(message)


class TooMuchToldError(Exception):
    """A program has printed, or its blocks hold, more than may be."""


class _Printed:
    """What a program has printed so far, for the case that it never comes to its end."""

    def __init__(self, job: Job) -> None:
        self._limits = job.limits
        self._is_limited = job.is_confined
        self._texts: list[str] = []
        self._num_printed = self._num_told = 0
        self.is_pending = False

    @property
    def text(self) -> str:
        return "".join(self._texts)[: self._limits.output]

    def take(self, message: Message) -> None:
        if message["kind"] != OUTPUT:
            self.is_pending = self.is_pending and message["kind"] != "printed"
            self._count(len(str(message)))
            return
        self.is_pending = True
        self._texts.append(message["text"])
        self._num_printed += len(message["text"])
        if self._num_printed > self._limits.output:
            raise TooMuchToldError

    def _count(self, told: int) -> None:
        self._num_told += told
        if self._is_limited and self._num_told > 100 * self._limits.output:
            raise TooMuchToldError
