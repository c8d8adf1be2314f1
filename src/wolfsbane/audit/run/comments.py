"""Comments in the program that hide findings of its run: `# noqa: WB201`, as in `check`."""

import functools
import linecache
from collections.abc import Iterable

from wolfsbane.audit.checking.noqa import Noqa, read_noqa
from wolfsbane.audit.finding import Finding
from wolfsbane.audit.registry import all_rules


def without_hidden(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that no comment in their file hides. Notebooks' cells are read too."""
    comments = functools.cache(_comments_of)
    return [
        one
        for one in findings
        if one.place.file is None or not comments(one.place.file).hides(one.code, one.place.span)
    ]


def _comments_of(file: str) -> Noqa:
    text = "".join(linecache.getlines(file))
    return read_noqa(text, frozenset(rule.code for rule in all_rules()))
