"""A worker's own folder: what is in it, and its end, whatever a program has made of it.

No torch, and nothing of wolfsbane: `keeper` runs this with Python's standard library alone.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path


def remove(folder: str) -> None:
    """Remove a folder with all that is in it.

    Unlike shutil.rmtree it needs neither recursion nor long paths, and minds no missing rights: a
    folder in a folder is moved up and looked at in its turn.

    Args:
        folder: in which nobody writes any more.
    """
    names = (f".{number}-moved-up" for number in count())
    with suppress(OSError):
        while inner := _emptied(folder):
            for each in inner:
                _lift(each, folder, names)
        Path(folder).rmdir()


def _emptied(folder: str) -> list[str]:
    """Remove all but folders from a folder, and return those."""
    Path(folder).chmod(stat.S_IRWXU)
    inner = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                inner.append(entry.path)
            else:
                Path(entry.path).unlink()
    return inner


def _lift(inner: str, top: str, names: Iterator[str]) -> None:
    """Remove a folder after moving the folders in it to the top."""
    for each in _emptied(inner):
        Path(each).chmod(stat.S_IRWXU)
        Path(each).rename(_free(top, names))
    Path(inner).rmdir()


def _free(top: str, names: Iterator[str]) -> Path:
    return next(path for path in (Path(top, name) for name in names) if not path.exists())
