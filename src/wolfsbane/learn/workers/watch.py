"""What no limit of the system's counts: how much a program writes in all, and its threads."""

import os
import time
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import NamedTuple

EVERY = 0.2
"""Seconds between two looks."""

MOST_WRITTEN = 512 << 20
"""Bytes in files together: some small models' weights."""

MOST_FILES = 5_000
"""Files and folders."""

MOST_THREADS = 500
"""Of one process; a machine has some 32,000 for all."""


class Much(Enum):
    """What a process has too much of, as a sentence says it."""

    WRITTEN = f"wrote more than {MOST_WRITTEN >> 20} MiB into files"
    FILES = f"made more than {MOST_FILES:,} files"
    THREADS = f"started more than {MOST_THREADS} threads"


class TooMuchTakenError(Exception):
    """A process has taken more than it may.

    Args:
        much: of what.
    """

    def __init__(self, much: Much) -> None:
        super().__init__(much.value)
        self.much = much


class Watch:
    """Looks, now and then, at what a process has taken.

    Args:
        process: its number.
        folder: where it writes.
    """

    def __init__(self, process: int, folder: str) -> None:
        self._process = Path(f"/proc/{process}")
        self._folder = folder
        self._looks_next = 0.0

    def look(self) -> None:
        """Look, unless that was done just now.

        Raises:
            TooMuchTakenError: it has taken more than it may.
        """
        if time.monotonic() < self._looks_next:
            return
        written, num_files = _written(self._folder)
        if num_files > MOST_FILES:
            raise TooMuchTakenError(Much.FILES)
        if written + self._written_and_removed() > MOST_WRITTEN:
            raise TooMuchTakenError(Much.WRITTEN)
        if self._num_threads() > MOST_THREADS:
            raise TooMuchTakenError(Much.THREADS)
        self._looks_next = time.monotonic() + EVERY

    def _num_threads(self) -> int:
        """Return how many threads it has; 0 where the system does not say."""
        with suppress(OSError):
            return len(os.listdir(self._process / "task"))  # noqa: PTH208  # a count is enough
        return 0

    def _written_and_removed(self) -> int:
        """Return what is in files that it has open, and that are in no folder any more."""
        written: dict[int, int] = {}
        with suppress(OSError), os.scandir(self._process / "fd") as opened:
            for each in opened:
                with suppress(OSError):
                    found = each.stat()
                    if found.st_nlink == 0:
                        written[found.st_ino] = found.st_blocks * 512
        return sum(written.values())


class _Written(NamedTuple):
    num_bytes: int
    num_files: int


def _written(folder: str) -> _Written:
    """Return what is in a folder, and in those in it; counted no further than it may be."""
    num_bytes = num_files = 0
    waiting = [folder]
    while waiting and num_files <= MOST_FILES:
        # One too deep for its path to be said has counted on the way there.
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                num_files += 1
                with suppress(OSError):
                    num_bytes += entry.stat(follow_symlinks=False).st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return _Written(num_bytes, num_files)
