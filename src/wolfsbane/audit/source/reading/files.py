"""Which files are looked at: those given, and all Python in folders but what is left out."""

import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from wolfsbane.audit.checking.globs import Globs
from wolfsbane.errors import DataError

SUFFIXES = (".py", ".ipynb")


def python_files(
    paths: Iterable[str],
    excluded: Globs,
    *,
    root: Path,
    respect_gitignore: bool = True,
    force_exclude: bool = False,
) -> list[str]:
    """Return the files that are to be looked at, each once, in order.

    Args:
        paths: files, which are taken whatever they are called, and folders.
        excluded: what is left out of folders.
        root: folder from which `excluded` counts.
        respect_gitignore: leave out of folders what git ignores.
        force_exclude: leave out files too that were given by name.

    Raises:
        DataError: a path does not exist.
    """
    found: dict[str, str] = {}
    for path in paths:
        absolute = os.path.abspath(path)  # noqa: PTH100  # links stay as they were named
        if os.path.isdir(path):  # noqa: PTH112
            files = list(_below(path, excluded))
            ignored = _ignored_by_git(path, files) if respect_gitignore else set()
            chosen = [file for file in files if file not in ignored]
        elif os.path.lexists(path):
            left_out = force_exclude and excluded.fits_within(absolute, str(root))
            chosen = [] if left_out else [path]
        else:
            raise DataError(f"{path} does not exist: give a file or a folder that does")
        for file in chosen:
            found.setdefault(os.path.abspath(file), file)  # noqa: PTH100
    return list(found.values())


def _below(folder: str, excluded: Globs) -> Iterator[str]:
    """Yield the files of Python in a folder, sorted, without those left out."""
    for parent, folders, names in os.walk(folder):
        absolute = os.path.abspath(parent)  # noqa: PTH100
        folders[:] = sorted(
            name
            for name in folders
            if not excluded.fits(os.path.join(absolute, name))  # noqa: PTH118
        )
        for name in sorted(names):
            if _is_program(os.path.join(absolute, name), excluded):  # noqa: PTH118
                yield os.path.join("" if parent == "." else parent, name).removeprefix("./")  # noqa: PTH118


def _is_program(path: str, excluded: Globs) -> bool:
    """Whether a path in a folder is to be looked at: no pipe, and no link to nowhere.

    Editors leave such links: `.#net.py` is Emacs' mark that net.py is being edited.
    """
    return path.endswith(SUFFIXES) and not excluded.fits(path) and os.path.isfile(path)  # noqa: PTH113


def _ignored_by_git(folder: str, files: list[str]) -> set[str]:
    """Return the files that git ignores; none where there is no git, or it ignores the folder."""
    if not files:
        return set()
    absolute = {os.path.abspath(file): file for file in files}  # noqa: PTH100
    top = os.path.abspath(folder)  # noqa: PTH100
    asked = b"\0".join(os.fsencode(path) for path in [top, *absolute])
    # core.fsmonitor may name a program, and who wrote this repository is not known.
    command = ["git", "-C", top, "-c", "core.fsmonitor=false", "check-ignore", "-z", "--stdin"]
    try:
        done = subprocess.run(command, input=asked, capture_output=True, check=False)  # noqa: S603
    except OSError:
        return set()
    ignored = {os.fsdecode(path) for path in done.stdout.split(b"\0") if path}
    return set() if top in ignored else {absolute[path] for path in ignored if path in absolute}
