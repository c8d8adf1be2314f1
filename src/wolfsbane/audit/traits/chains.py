"""What lies before an operation, when those are skipped that do not matter to a rule.

A program's steps and a tape's operations are gone through alike: both have a kind, and inputs.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol, TypeVar


class HasKind(Protocol):
    """A step or an operation."""

    @property
    def kind(self) -> str:
        """The vocabulary's word for what it does."""


Node = TypeVar("Node", bound=HasKind)

LONGEST = 200
"""Nodes gone through on the way back; a chain of operations that a rule speaks of is shorter."""


def before(
    start: Node, inputs_of: Callable[[Node], Iterable[Node]], skipped: Collection[str]
) -> Iterator[Node]:
    """Yield the nodes whose results reach `start` through none but those of the kinds `skipped`.

    Args:
        start: where the way back begins; it is not yielded itself.
        inputs_of: gives the nodes whose results a node takes.
        skipped: kinds that are gone through.
    """
    return reached(inputs_of(start), inputs_of, skipped)


def reached(
    starts: Iterable[Node], inputs_of: Callable[[Node], Iterable[Node]], skipped: Collection[str]
) -> Iterator[Node]:
    """Yield the nodes that `starts` lead back to, themselves among them: those not skipped."""
    waiting = list(starts)
    seen: set[int] = set()
    while waiting and len(seen) < LONGEST:
        node = waiting.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.kind in skipped:
            waiting.extend(inputs_of(node))
        else:
            yield node
