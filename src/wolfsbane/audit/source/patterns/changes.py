"""Where a program puts something into a container that is there already."""

import ast
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.structure import Body

GROWS = frozenset({"append", "extend", "insert", "add", "update", "setdefault"})


@dataclass(frozen=True, eq=False)
class Growth:
    """One such place.

    Args:
        node: the call, or the assignment.
        container: what grows.
        added: what is put in.
    """

    node: ast.Call | ast.Assign | ast.AugAssign
    container: ast.expr
    added: ast.expr


class Changes:
    """The calls of a program, and those places, by the lines of classes and functions.

    Args:
        source: the program.
    """

    def __init__(self, source: Source) -> None:
        self._calls = sorted((call.node for call in source.calls), key=lambda node: node.lineno)
        self._growths = sorted(_growths(source), key=lambda growth: growth.node.lineno)

    def calls_in(self, around: Body | ast.ClassDef) -> list[ast.Call]:
        """Return the calls in a class or a function, in the order of the text."""
        first, last = _lines(around)
        start = bisect_left(self._calls, first, key=lambda node: node.lineno)
        return self._calls[start : bisect_right(self._calls, last, key=lambda node: node.lineno)]

    def growths_in(self, around: Body | ast.ClassDef) -> list[Growth]:
        """Return the places in a class or a function where something grows, in the same order."""
        first, last = _lines(around)
        start = bisect_left(self._growths, first, key=lambda growth: growth.node.lineno)
        end = bisect_right(self._growths, last, key=lambda growth: growth.node.lineno)
        return self._growths[start:end]


def _lines(around: Body | ast.ClassDef) -> tuple[float, float]:
    if isinstance(around, ast.Module):
        return 0, float("inf")
    return around.lineno, around.end_lineno or around.lineno


def _growths(source: Source) -> list[Growth]:
    found = []
    for call in source.calls:
        receiver, given = call.receiver, call.node.args
        if receiver is not None and call.attribute in GROWS and given:
            found.append(Growth(call.node, receiver, given[-1]))
    for node in source.structure.updates:
        container = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
        if isinstance(node, ast.Assign) and isinstance(container, ast.Subscript):
            container = container.value
        found.append(Growth(node, container, node.value))
    return found
