"""One process at a time: a lock of the operating system that dies with its process.

`kill -9` frees it as any other end does. On NFS it holds between machines where the server keeps
locks (Linux 2.6.12 and later, with lockd or NFSv4), which is the default; a mount with `nolock` or
`local_lock=flock` keeps processes of one machine apart, not machines.
"""

import datetime as dt
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from wolfsbane.errors import ArgumentError


class Guard(Protocol):
    """Keeps other processes from a search while this one works on it."""

    def check(self) -> None:
        """Raise where the search is no longer this process's own."""


class HeldLock:
    """A lock that cannot be lost while its process lives."""

    def check(self) -> None:
        """Do nothing: the operating system keeps the lock."""


def owner() -> dict[str, Any]:
    """Return who this process is, for the message that another one reads."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": now}


def taken(what: str, by: Mapping[str, Any], advice: str) -> ArgumentError:
    """Return the error for who comes second."""
    who = "another process"
    if {"pid", "host", "since"} <= by.keys():
        who = f"process {by['pid']} on {by['host']}, since {by['since']}"
    return ArgumentError(f"{what} is in use by {who}. {advice}")


@contextmanager
def file_lock(path: Path, what: str, advice: str) -> Iterator[Guard]:
    """Hold the lock of a file for as long as the context lasts.

    Args:
        path: of the file, made where there is none, and left empty.
        what: is locked, for the message.
        advice: what to do where it is taken.

    Raises:
        ArgumentError: another process, or this one a second time, holds it.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    except OSError as error:
        raise ArgumentError(f"cannot write to {path}: {error.strerror or error}") from error
    try:
        if not _try_lock(file):
            raise taken(what, _read(file), advice)
        _write(file, json.dumps(owner()).encode())
        yield HeldLock()
        _write(file, b"")
    except LockError as error:
        raise ArgumentError(
            f"cannot lock {path}: {error}. Give a folder on another disk"
        ) from error
    finally:
        os.close(file)  # Which frees it.


class LockError(Exception):
    """The file system keeps no locks."""


def _write(file: int, content: bytes) -> None:
    os.ftruncate(file, 0)
    os.lseek(file, 0, os.SEEK_SET)
    os.write(file, content)


def _read(file: int) -> dict[str, Any]:
    """Return what the holder has written of itself, if it has come to that."""
    with suppress(OSError, ValueError):
        os.lseek(file, 0, os.SEEK_SET)
        read = json.loads(os.read(file, 4096))
        return read if isinstance(read, dict) else {}
    return {}


if sys.platform == "win32":
    import msvcrt

    FAR_BEHIND = 1 << 30
    """The byte that is locked: Windows lets nobody read a locked one."""

    def _try_lock(file: int) -> bool:
        os.lseek(file, FAR_BEHIND, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(file, 0, os.SEEK_SET)
        return True
else:
    import fcntl

    def _try_lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise LockError(error.strerror) from error
        return True
