"""One at a time: a lock of the operating system that dies with who holds it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file, after waiting for it, against other processes and threads.

    Args:
        path: of the file, made where there is none, and left empty.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait(file)
        yield
    finally:
        os.close(file)  # Which frees it.


if sys.platform == "win32":
    import msvcrt

    def _wait(file: int) -> None:
        while True:
            try:
                msvcrt.locking(file, msvcrt.LK_LOCK, 1)
            except OSError:  # It gives up after ten seconds.
                continue
            return
else:
    import fcntl

    def _wait(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
