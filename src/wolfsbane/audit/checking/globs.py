"""Patterns of files, as [tool.wolfsbane] has them: ruff's."""

import glob
import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path


class Globs:
    """Patterns that a path may fit.

    `data` and `*_pb2.py` fit a file or folder of that name anywhere; `src/data` and
    `src/**/old_*.py` fit a path relative to the root. `*` fits a slash too.

    Args:
        patterns: the patterns.
        root: the folder that patterns with a slash begin at.

    Examples:
        >>> globs = Globs(["data", "src/old_*.py"], Path("/code"))
        >>> globs.fits("/code/any/data"), globs.fits("/code/old_net.py")
        (True, False)
    """

    def __init__(self, patterns: Iterable[str], root: Path) -> None:
        cleaned = [pattern.removeprefix("./").rstrip("/") for pattern in patterns]
        self._names = [pattern for pattern in cleaned if "/" not in pattern]
        base = glob.escape(_slashed(str(root)))
        paths = [
            _slashed(pattern) if Path(pattern).is_absolute() else f"{base}/{pattern}"
            for pattern in cleaned
            if "/" in pattern
        ]
        # ** stands for any number of folders, none too.
        self._paths = [path.replace("/**/", between) for path in paths for between in ("/", "/*/")]
        self._known: dict[str, bool] = {}

    def fits(self, path: str) -> bool:
        """Whether an absolute path, itself, fits a pattern."""
        slashed = _slashed(path)
        name = slashed.rsplit("/", 1)[-1]
        return any(fnmatchcase(name, pattern) for pattern in self._names) or any(
            fnmatchcase(slashed, pattern) or fnmatchcase(slashed, f"{pattern}/*")
            for pattern in self._paths
        )

    def fits_within(self, path: str, top: str) -> bool:
        """Whether an absolute path, or a folder above it and below `top`, fits a pattern."""
        if path in self._known:
            return self._known[path]
        parent = os.path.dirname(path)  # noqa: PTH120
        above = path != parent and parent.startswith(top) and parent != top
        fits = self.fits(path) or (above and self.fits_within(parent, top))
        self._known[path] = fits
        return fits


def _slashed(path: str) -> str:
    return path.replace(os.sep, "/")


def codes_ignored_for(
    path: str, ignores: Sequence[tuple[Globs, tuple[str, ...]]]
) -> tuple[str, ...]:
    """Return the codes that per-file-ignores has for an absolute path."""
    return tuple(code for globs, codes in ignores if globs.fits(path) for code in codes)
