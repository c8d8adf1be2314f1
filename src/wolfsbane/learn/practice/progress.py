"""What a student has done so far, in a file of this machine's."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import platformdirs

from wolfsbane.errors import DataError
from wolfsbane.learn.practice.lock import locked

FORMAT = 1
"""Of the file; it grows where an older wolfsbane would misread what is written."""


@dataclass(frozen=True)
class Done:
    """What was done about one item.

    Attributes:
        passed: whether it was ever passed.
        attempts: how often it was tried.
        program: the student's last, of an item to mend.
    """

    passed: bool = False
    attempts: int = 0
    program: str | None = None


@dataclass(frozen=True)
class Progress:
    """What was done about each item; one that is not named was not tried."""

    items: Mapping[str, Done] = field(default_factory=dict)

    def of(self, item: str) -> Done:
        """Return what was done about the item with this name."""
        return self.items.get(item, Done())

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"items": {name: dict(vars(done)) for name, done in self.items.items()}}


def default_path() -> Path:
    """Return where progress is kept where nothing else is said."""
    return platformdirs.user_data_path("wolfsbane", appauthor=False) / "progress.json"


def _say(warning: str) -> None:
    sys.stderr.write(f"wolfsbane: {warning}\n")


class ProgressFile:
    """The progress in a file, which several processes and threads may read and write at once.

    It is written whole or not at all. A file that cannot be understood is kept, under another
    name, and a new one begun.

    Args:
        path: of the file; made, with its folder, when something is first noted.
        warn: is told, in a sentence, that a damaged file was set aside; a line on standard error
            by default.

    Raises (all methods):
        DataError: the file is of a newer wolfsbane, or no file that ends, such as a pipe.
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path, warn: Callable[[str], None] = _say) -> None:
        self.path = Path(
            os.path.realpath(path.expanduser())
        )  # resolve() raises at a link to itself.
        self._warn = warn

    def read(self) -> Progress:
        """Return what was done so far."""
        try:
            return self._parsed()
        except _DamagedError:
            with self._locked():
                return self._current()

    def note(self, item: str, passed: bool, program: str | None = None) -> None:
        """Count an attempt at an item. Once passed it stays so.

        Args:
            item: its name.
            passed: whether this attempt did.
            program: what the student wrote; None leaves what is there.
        """
        with self._locked():
            progress = self._current()
            before = progress.of(item)
            done = Done(
                passed=passed or before.passed,
                attempts=before.attempts + 1,
                program=before.program if program is None else program,
            )
            self._write(Progress({**progress.items, item: done}))

    def reset(self) -> None:
        """Forget everything."""
        with self._locked():
            self._current()  # What cannot be understood is set aside, not overwritten.
            self._write(Progress())

    def export(self) -> str:
        """Return it as text that can be kept, and given as a progress file again."""
        return _text(self.read())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.path.with_name(f"{self.path.name}.lock")):
            yield

    def _current(self) -> Progress:
        """Return what the file says; set it aside where that cannot be understood. Locked."""
        try:
            return self._parsed()
        except _DamagedError as error:
            self._warn(f"{error}; it is kept as {self._set_aside()}, and a new one is begun")
            return Progress()

    def _parsed(self) -> Progress:
        if self.path.exists() and not (self.path.is_file() or self.path.is_dir()):
            raise DataError(f"{self.path} is a pipe or a device. Give a file with --progress")
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return Progress()
        if not text.strip():
            return Progress()
        try:
            given = json.loads(text)
            known = isinstance(given, dict) and _is_count(given.get("format"))
            json.dumps(given, ensure_ascii=False).encode()  # Half a character cannot be sent on.
        except (ValueError, RecursionError):
            known = False
        if known and given["format"] > FORMAT:
            raise DataError(
                f"{self.path} is of a newer wolfsbane. Update wolfsbane, or give another file "
                "with --progress"
            )
        if not known or not _is_progress(given.get("items")):
            raise _DamagedError(f"{self.path} is damaged")
        return Progress({name: Done(**done) for name, done in given["items"].items()})

    def _set_aside(self) -> Path:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        return self.path.replace(aside)

    def _write(self, progress: Progress) -> None:
        with NamedTemporaryFile(
            "w", dir=self.path.parent, prefix=f".{self.path.name}.", encoding="utf-8", delete=False
        ) as file:
            unfinished = Path(file.name)
            try:
                file.write(_text(progress))
                file.close()  # Windows renames only what is closed.
                unfinished.replace(self.path)
            finally:
                unfinished.unlink(missing_ok=True)


class _DamagedError(Exception):
    """What is in the file is not progress."""


def _text(progress: Progress) -> str:
    return json.dumps({"format": FORMAT, **progress.to_json()}, indent=1) + "\n"


def _is_progress(items: object) -> bool:
    return isinstance(items, dict) and all(_is_done(done) for done in items.values())


def _is_done(given: object) -> bool:
    return (
        isinstance(given, dict)
        and given.keys() == {"passed", "attempts", "program"}
        and isinstance(given["passed"], bool)
        and _is_count(given["attempts"])
        and (given["program"] is None or isinstance(given["program"], str))
    )


def _is_count(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and given >= 0
