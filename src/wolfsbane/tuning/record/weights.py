"""Trained weights: in files of their own, since a journal is read whole."""

import hashlib
import os
from pathlib import Path

from wolfsbane.errors import ArgumentError


class Weights:
    """Keeps the weights of trials in `directory` as weights-NUMBER.pt, or in memory without.

    They are found again by number and hash, so that a file of another search, or one that a power
    loss has left in halves, is not taken for them.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._in_memory: dict[str, bytes] = {}

    def keep(self, number: int, content: bytes) -> str:
        """Write the weights of a trial, whole or not at all, and return their hash."""
        name = hashlib.sha256(content).hexdigest()
        if self._directory is None:
            self._in_memory[name] = content
        else:
            _write_whole(_path(self._directory, number), content)
        return name

    def find(self, number: int, name: str) -> bytes | None:
        """Return the weights of a trial; None where they are gone."""
        if self._directory is None:
            return self._in_memory.get(name)
        try:
            content = _path(self._directory, number).read_bytes()
        except OSError:
            return None
        return content if hashlib.sha256(content).hexdigest() == name else None


def _path(directory: Path, number: int) -> Path:
    return directory / f"weights-{number}.pt"


def _write_whole(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise ArgumentError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
