"""Folders and files that results go to."""

import os
import tempfile
from pathlib import Path

from wolfsbane.errors import ArgumentError

REPORT_FILE = "report.html"
RESULTS_FILE = "results.json"


def make_folder(directory: str | Path) -> Path:
    """Return `directory` as a folder that files can be written to.

    Raises:
        ArgumentError: it is a file, or cannot be made or written to.
    """
    folder = Path(directory).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        taken = error.filename or folder
        raise ArgumentError(f"cannot write to {folder}: {taken} is a file, not a folder") from error
    except OSError as error:
        raise ArgumentError(f"cannot write to {folder}: {error.strerror or error}") from error
    return folder


def write_whole(path: Path, text: str) -> None:
    """Write a file that is never seen half-written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
