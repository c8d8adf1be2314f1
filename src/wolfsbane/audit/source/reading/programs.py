"""Programs as they lie on disk: encodings, byte-order marks, line ends, and what cannot be read."""

import codecs
import dataclasses
import io
import sys
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wolfsbane.audit.finding import Channel, Edit, Finding, Place, Severity, Span
from wolfsbane.audit.source.reading.editing import apply_edits, with_newlines

PROBLEM_CODE = "WB000"
"""Not a rule: a file that cannot be read. It is not selected, ignored, nor put in a baseline."""

UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OSError)
"""What reading and parsing raise: a null byte is a ValueError in Python 3.11."""


class NoNotebookError(SyntaxError):
    """A file is no notebook, or none that can be read."""


CellEdit = tuple[int | None, Edit]
"""An edit, and the notebook's cell that it is in."""


class Program(Protocol):
    """A Python file or a notebook: a text to check, and how it is found again on disk."""

    @property
    def path(self) -> str:
        """The path as it was given."""
        ...

    @property
    def text(self) -> str:
        """The whole program as Python; its lines end in line feeds."""
        ...

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Parts that are not Python, and are not in `text`."""
        ...

    def lines(self, cell: int | None) -> list[str]:
        """Return the lines of the file, or of a cell, as they are written there."""
        ...

    def place_of(self, span: Span) -> Place:
        """Return where in the file something in `text` is."""
        ...

    def placed(self, finding: Finding) -> Finding:
        """Return a finding in `text` with the places that they have in the file."""
        ...

    def edited(self, edits: Iterable[CellEdit]) -> "Program":
        """Return the program with edits made that do not overlap."""
        ...

    def encoded(self) -> bytes:
        """Return the file's content."""
        ...


@dataclass(frozen=True)
class PythonFile:
    """A file of Python.

    Args:
        path: path as it was given.
        original: the text, with the line ends of the file.
        encoding: the encoding that its first lines name.
        has_bom: whether it begins with a byte-order mark.
    """

    path: str
    original: str
    encoding: str = "utf-8"
    has_bom: bool = False
    problems: tuple[Finding, ...] = ()

    @property
    def text(self) -> str:
        """The text; its lines end in line feeds."""
        return with_newlines(self.original)

    def lines(self, cell: int | None = None) -> list[str]:  # noqa: ARG002  # it has no cells
        """Return the lines of the text."""
        return self.text.split("\n")

    def place_of(self, span: Span) -> Place:
        """Return the place in the file."""
        return Place(self.path, span)

    def placed(self, finding: Finding) -> Finding:
        """Return the finding: the text is the file's."""
        return finding

    def edited(self, edits: Iterable[CellEdit]) -> "PythonFile":
        """Return the file with edits made."""
        original = apply_edits(self.original, [edit for _, edit in edits])
        return dataclasses.replace(self, original=original)

    def encoded(self) -> bytes:
        """Return the file's content, in the encoding that it was read in."""
        return (codecs.BOM_UTF8 if self.has_bom else b"") + self.original.encode(self.encoding)


def python_file(content: bytes, path: str) -> PythonFile:
    """Return a file of Python, decoded as PEP 263 has it.

    Raises:
        SyntaxError: its encoding is unknown, or it is not in that encoding.
    """
    encoding = _encoding_of(content)
    has_bom = content.startswith(codecs.BOM_UTF8)
    bare = content.removeprefix(codecs.BOM_UTF8) if has_bom else content
    encoding = "utf-8" if has_bom else encoding
    try:
        text = bare.decode(encoding)
        text.encode()  # Half a surrogate pair, from UTF-7 say, is refused here.
    except UnicodeDecodeError as error:
        line = bare.count(b"\n", 0, error.start) + 1
        byte = f"0x{bare[error.start]:02x}"
        message = f"byte {byte} is not {encoding}; name the encoding in the first line, as in "
        raise SyntaxError(message + "`# coding: latin-1`", (path, line, 1, None)) from error
    except (LookupError, ValueError) as error:
        raise SyntaxError(f"cannot be read as {encoding}: {error}", (path, 1, 1, None)) from error
    return PythonFile(path, text, encoding, has_bom)


def _encoding_of(content: bytes) -> str:
    """Return the encoding that the first lines name; UTF-8 where they are not even that."""
    try:
        return tokenize.detect_encoding(io.BytesIO(content).readline)[0]
    except SyntaxError as error:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise SyntaxError("the file is UTF-16; save it as UTF-8") from error
        if "missing" in str(error):
            return "utf-8"  # Decoding tells which byte is wrong, and where.
        raise


def read(path: str) -> bytes:
    """Return what a file holds."""
    return Path(path).read_bytes()


def problem_of(error: BaseException, path: str, cell: int | None = None) -> Finding:
    """Return what a user is told about a file, or a cell, that cannot be read or parsed."""
    match error:
        case NoNotebookError():
            name = "syntax-error"
            message = error.msg
            help = "Mend the file, or leave it out: exclude in [tool.wolfsbane]"
        case SyntaxError():
            name = "syntax-error"
            message = f"this is not Python {_version()}: {error.msg}"
            help = "Mend the syntax; the file's other mistakes are found after that"
        case RecursionError() | MemoryError():
            name = "too-deep"
            message = "an expression is nested too deeply to be read"
            help = "Split it up, or leave the file out: exclude in [tool.wolfsbane]"
        case OSError():
            name = "unreadable-file"
            message = f"the file cannot be read: {error.strerror or error}"
            help = "Make it readable, or leave it out: exclude in [tool.wolfsbane]"
        case _:
            name = "syntax-error"
            message = f"this is not Python: {error}"
            help = "Mend the file, or leave it out: exclude in [tool.wolfsbane]"
    place = Place(path, _span_of(error), cell)
    return Finding(PROBLEM_CODE, name, Severity.ERROR, Channel.SOURCE, message, help, place)


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _span_of(error: BaseException) -> Span | None:
    if isinstance(error, OSError):
        return None
    line = (error.lineno if isinstance(error, SyntaxError) else 0) or 1
    column = max((error.offset if isinstance(error, SyntaxError) else 0) or 1, 1)
    return Span(line, column, line, column + 1)
