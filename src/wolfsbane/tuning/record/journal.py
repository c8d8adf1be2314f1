"""A run directory's journal: Optuna's log of every change, one line of JSON each.

A line is written and synced at once, so a kill or a power loss can leave no more than the last line
in halves. Optuna reads past it, but the next line would be glued to it and both be lost: it is cut
off before Optuna opens the file.
"""

import json
import os
import time
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from wolfsbane.errors import ArgumentError

JOURNAL = "journal.log"
"""The name of the file in the run directory."""

FIRST_WORDS = b'{"op_code":'
"""What every line of Optuna's begins with."""

WAIT_FOR_WRITER = 1.0
"""Seconds that the journal's own lock may be held by someone who lives: a write takes less."""


def is_optunas(path: Path) -> bool:
    """Whether a journal is Optuna's, as far as its first line tells: there may be half a line."""
    try:
        with path.open("rb") as file:
            start = file.read(len(FIRST_WORDS))
    except FileNotFoundError:
        return True
    except OSError as error:
        raise ArgumentError(f"cannot read {path}: {error.strerror or error}") from error
    return FIRST_WORDS.startswith(start.rstrip(b"\0"))


def open_journal(path: Path) -> JournalStorage:
    """Cut off what was not written to its end, and open the journal.

    The caller holds the run directory, so that no other search writes to it.

    Raises:
        ArgumentError: the file is damaged elsewhere than at its end.
    """
    # A lock by symbolic link would be followed to the journal, or nowhere where the path is
    # relative; one by O_EXCL holds on NFS from version 3.
    lock = JournalFileOpenLock(str(path))
    _remove_stale_lock(Path(f"{path}.lock"))
    lock.acquire()
    try:
        cut_unfinished(path)
    finally:
        lock.release()
    try:
        return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
    except (ValueError, KeyError, AssertionError) as error:
        raise ArgumentError(
            f"{path} is damaged in the middle ({error}). Give another folder (--out) or delete "
            "this one"
        ) from error


def cut_unfinished(path: Path) -> None:
    """Cut off the journal's last line where it was not written to its end."""
    if not path.exists():
        return
    content = path.read_bytes()
    size = whole_size(content)
    if size < len(content):
        with path.open("r+b") as file:
            file.truncate(size)
            os.fsync(file.fileno())


def whole_size(content: bytes) -> int:
    """Return the bytes of a journal up to the end of its last line that is whole."""
    *_, last = content.splitlines(keepends=True) or [b""]
    is_whole = last.endswith(b"\n") and _is_json(last)
    return len(content) if is_whole else len(content) - len(last)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _remove_stale_lock(lock: Path) -> None:
    """Remove the lock of a writer that was killed while it wrote.

    Optuna itself waits half a minute for it. A dashboard that writes a note holds it for
    milliseconds.
    """
    end = time.monotonic() + WAIT_FOR_WRITER
    while lock.exists():
        if time.monotonic() > end:
            lock.unlink(missing_ok=True)
        time.sleep(0.01)
