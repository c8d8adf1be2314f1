"""A small process that outlives the lesson's, to end what that leaves: workers, and their folders.

A worker sees for itself that its parent is gone, unless a student's program keeps it from looking,
as a call into C does that never comes back.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from wolfsbane.learn.workers.environment import environment
from wolfsbane.learn.workers.folder import remove

KEEP, LET_GO = "+", "-"

NUM_TRIES, PAUSE = 50, 0.02
"""To remove a folder: a process that was killed may write for a moment yet."""


class Keeper:
    """The process, as its parent sees it. The methods may be called from any thread."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # this Python, and our own module
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=tempfile.gettempdir(),
            env=environment(is_reduced=True),
            start_new_session=True,  # Ctrl-C, and the end of a terminal, are not for it.
        )
        self._telling = threading.Lock()

    def keep(self, process: int, folder: str) -> None:
        """Should this process die, end that one and all of its group, and remove its folder."""
        self._tell(f"{KEEP}{process} {folder}")

    def let_go(self, process: int) -> None:
        """Forget a process that has ended, and whose folder is gone."""
        self._tell(f"{LET_GO}{process} ")

    def close(self) -> None:
        """End it, and with it what it still keeps."""
        assert self._process.stdin is not None
        with self._telling, suppress(OSError):
            self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        # Without a keeper, workers look after themselves as well as they can.
        with self._telling, suppress(OSError, ValueError):
            self._process.stdin.write(os.fsencode(line) + b"\n")
            self._process.stdin.flush()


def keep(lines: Iterable[bytes]) -> None:
    """Do as lines say until they end; then end all that is kept.

    Args:
        lines: as a `Keeper` tells them.
    """
    kept: dict[int, str] = {}
    for line in lines:
        number, _, folder = os.fsdecode(line[1:-1]).partition(" ")
        if line.startswith(KEEP.encode()):
            kept[int(number)] = folder
        else:
            kept.pop(int(number), None)
    for process in kept:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process, signal.SIGKILL)
    for folder in kept.values():
        _remove(folder)


def _remove(folder: str) -> None:
    for _ in range(NUM_TRIES):
        remove(folder)
        if not Path(folder).exists():
            return
        time.sleep(PAUSE)


if __name__ == "__main__":
    keep(sys.stdin.buffer)
