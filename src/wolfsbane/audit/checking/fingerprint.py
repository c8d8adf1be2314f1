"""What makes a finding the same finding after lines above it have come and gone."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from wolfsbane.audit.finding import Finding, Place

LineOf = Callable[[Place], str | None]
"""Returns the line of text that a place begins in."""


def fingerprints(findings: Iterable[Finding], line_of: LineOf, root: Path) -> list[str]:
    """Return a fingerprint for each finding.

    It is made of the code, the path from `root`, the text of the line (or the module's path) and,
    where that is not enough, of how many such findings came before.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for finding in findings:
        place = finding.place
        line = (line_of(place) if place.span else place.module) or ""
        key = (finding.code, relative_path(place.file, root), " ".join(line.split()))
        seen[key] += 1
        text = "\0".join((*key, str(seen[key])))
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
        found.append(digest.hexdigest()[:32])
    return found


def relative_path(file: str | None, root: Path) -> str:
    """Return a file's path from a folder, with slashes; an absolute one where it is outside."""
    if file is None:
        return ""
    path = absolute(file)
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def absolute(path: str | Path) -> Path:
    """Return a path from the root, without `..`; links stay as they were named.

    Examples:
        >>> absolute("/code/src/../net.py").as_posix()
        '/code/net.py'
    """
    return Path(os.path.abspath(path))  # noqa: PTH100  # Path.absolute keeps `..`


def repository_root(folder: Path) -> Path:
    """Return the folder of the repository that a folder is in; itself where there is none."""
    here = absolute(folder)
    return next((one for one in (here, *here.parents) if (one / ".git").exists()), here)
