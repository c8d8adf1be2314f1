"""Text on its way to the terminal, a pipe or a file."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wolfsbane.errors import DataError


def put(text: str) -> None:
    """Write to standard output; who reads it may go away before the end, as `head` does.

    A character that the terminal's encoding lacks is shown by its number. Where standard output is
    closed, nothing is written.
    """
    if sys.stdout is None:
        return
    escape_unknown_characters()
    with _readers_may_go():
        sys.stdout.write(text)
        sys.stdout.flush()


def put_bytes(content: bytes) -> None:
    """Write to standard output, as it is."""
    with _readers_may_go():
        sys.stdout.buffer.write(content)
        sys.stdout.flush()


@contextmanager
def _readers_may_go() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        # Python flushes standard output once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def put_error(text: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(f"{' '.join(text.split())}\n")


def put_into(file: Path, text: str) -> None:
    """Write to a file.

    Raises:
        DataError: it cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror or error}") from error


def has_colors() -> bool:
    """Whether standard output is a terminal that shows colours, and NO_COLOR is not set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return False
    from rich.console import Console  # noqa: PLC0415  # only a terminal needs it

    return Console().color_system is not None


def escape_unknown_characters() -> None:
    """Have standard output show a character that its encoding lacks by its number."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
