"""One worker's process, as its parent sees it."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from enum import StrEnum
from typing import BinaryIO

from wolfsbane.learn.workers.environment import environment
from wolfsbane.learn.workers.folder import remove
from wolfsbane.learn.workers.job import Job
from wolfsbane.learn.workers.keeper import Keeper
from wolfsbane.learn.workers.messages import (
    MOST_BYTES,
    READY,
    TAKEN,
    Message,
    NotUnderstoodError,
    read,
)
from wolfsbane.learn.workers.watch import EVERY, Watch

START_SECONDS = 180.0
"""For a process to import torch: a cold disk can take a minute."""

GRACE_SECONDS = 1.0
"""Between the end of what a process tells and its own end."""

LAST_WORDS = 2_000
"""Bytes read of the end of its stderr."""


class Kind(StrEnum):
    """What a process is for. The value is the module that it runs."""

    TRUSTED = "wolfsbane.learn.workers.trusted"
    CONFINED = "wolfsbane.learn.workers.confined"


class OutOfTimeError(Exception):
    """Nothing was told until the deadline."""


class WorkerProcess:
    """A process that imports torch and then waits for a job.

    `kill` may be called from any thread, at any time; all else is for one thread.

    Args:
        kind: what it is for.
        keeper: ends it should this process die.
    """

    def __init__(self, kind: Kind, keeper: Keeper) -> None:
        self.kind = kind
        with contextlib.ExitStack() as left:
            self._folder = tempfile.mkdtemp(prefix="wolfsbane-")
            left.callback(remove, self._folder)
            self._stderr: BinaryIO = left.enter_context(tempfile.TemporaryFile())
            self._channel, told = os.pipe()
            left.callback(os.close, self._channel)
            try:
                self._process = self._started(told)
            finally:
                os.close(told)
            self._left = left.pop_all()
        self._keeper = keeper
        keeper.keep(self._process.pid, self._folder)
        self._watch = Watch(self._process.pid, self._folder) if kind is Kind.CONFINED else None
        self._pending = bytearray()
        self._is_ready = self._is_killed = False
        self._ending = threading.Lock()

    def _started(self, told: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  # this Python, and our own module
            [sys.executable, "-P", "-m", self.kind.value, str(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            cwd=self._folder,
            env=environment(is_reduced=self.kind is Kind.CONFINED),
            pass_fds=(told,),
            start_new_session=True,  # Ctrl-C is the parent's; and one signal ends all of it.
        )

    def wait_until_ready(self) -> bool:
        """Wait until it is warm. False: it will never be."""
        self._is_ready = self._is_ready or self._tells(READY)
        return self._is_ready

    def _tells(self, kind: str) -> bool:
        """Wait until it tells one message, and no other; it may have to come to life first."""
        try:
            message = self.read(time.monotonic() + START_SECONDS)
        except (OutOfTimeError, NotUnderstoodError):
            return False
        return message is not None and message["kind"] == kind

    def send(self, job: Job) -> bool:
        """Hand a job over, and wait until it is taken. False: the process is gone."""
        asked = {
            "task": job.task,
            "arguments": dict(job.arguments),
            "memory": job.limits.memory,
            "seconds": job.limits.seconds,
            "output": job.limits.output,
        }
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(json.dumps(asked).encode() + b"\n")
            stdin.flush()
        except (OSError, ValueError):
            return False
        return self._tells(TAKEN)

    def read(self, deadline: float) -> Message | None:
        """Return what it tells next; None when it tells no more.

        Args:
            deadline: on time.monotonic's clock.

        Raises:
            OutOfTimeError: the deadline has passed.
            NotUnderstoodError: what it tells is no message, or longer than any.
            TooMuchTakenError: it has taken more than a student's program may.
        """
        searched = 0
        while (end := self._pending.find(b"\n", searched)) < 0:
            searched = len(self._pending)
            if searched > MOST_BYTES:
                raise NotUnderstoodError("a line without end")
            more = self._more(deadline)
            if not more:
                return None
            self._pending += more
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        return read(line)

    def _more(self, deadline: float) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel, selectors.EVENT_READ)
            # First of all: a stream without pause has to meet its deadline, and be watched, too.
            while (left := deadline - time.monotonic()) > 0:
                if self._watch is not None:
                    self._watch.look()
                if selector.select(min(left, EVERY)):
                    break
            else:
                raise OutOfTimeError
        return os.read(self._channel, 1 << 16)

    def exit_code(self) -> int | None:
        """Return its exit code, when it has told its last; None if it lives on."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(GRACE_SECONDS)
        return None

    def last_words(self) -> str:
        """Return the end of what it said on stderr."""
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - LAST_WORDS))
        return self._stderr.read().decode(errors="replace").strip()

    def kill(self) -> None:
        """End it and all that it has started, at once."""
        with self._ending:
            if self._is_killed:
                return
            self._is_killed = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def dispose(self) -> None:
        """End it, and remove what it leaves."""
        self.kill()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._left.close()
        self._keeper.let_go(self._process.pid)
