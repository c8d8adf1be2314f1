"""The file of what is done, as `wolfsbane learn` and `wolfsbane practice` are given it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wolfsbane.errors import DataError


@contextmanager
def another_file_advised(progress: Path) -> Iterator[None]:
    """Where the file of what is done cannot be read or written, say that another may be named.

    Args:
        progress: the file.

    Raises:
        DataError: it cannot be read or written.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or not _is_about(Path(error.filename), progress):
            raise
        raise DataError(
            f"{error.filename}: {error.strerror}. What you have done cannot be kept there; name "
            "another file with --progress FILE"
        ) from error


def _is_about(place: Path, progress: Path) -> bool:
    """Whether a place is the file, one of its folders, or what is written beside it."""
    return progress.is_relative_to(place) or place.parent == progress.parent
