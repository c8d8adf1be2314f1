"""Answers that are remembered, and which of them may have to be given again."""

import contextlib
from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

T = TypeVar("T")


class Memory:
    """Remembers lists, by a key.

    Questions about values lead to others, sometimes back to themselves, and some rest on who calls
    a function. That in turn rests on what values are when less is known of callers: an answer that
    rests on it holds at one level of such knowledge, others at all of them.

    Args:
        levels: how many levels there are.
    """

    def __init__(self, levels: int) -> None:
        self.level = levels - 1
        self._certain: dict[Hashable, list[object]] = {}
        self._tentative: list[dict[Hashable, list[object]]] = [{} for _ in range(levels)]
        self._has_asked = False

    def recall(self, key: Hashable, find: Callable[[], list[T]]) -> list[T]:
        """Return what was found under a key, or find it now; inside its own search it is empty."""
        known = self._certain.get(key)
        if known is None:
            known = self._tentative[self.level].get(key)
            if known is None:
                return self._find(key, find)
            self._has_asked = True
        return known  # type: ignore[return-value]  # a key is always asked with the same type

    def _find(self, key: Hashable, find: Callable[[], list[T]]) -> list[T]:
        tentative = self._tentative[self.level]
        tentative[key] = []
        before, self._has_asked = self._has_asked, False
        found = find()
        if self._has_asked:
            tentative[key] = found  # type: ignore[assignment]
        else:
            del tentative[key]
            self._certain[key] = found  # type: ignore[assignment]
        self._has_asked |= before
        return found

    def has(self, key: Hashable) -> bool:
        """Whether something is remembered under a key."""
        return key in self._certain or key in self._tentative[self.level]

    def ask(self) -> None:
        """Note that what is being found now rests on who calls a function."""
        self._has_asked = True

    @contextlib.contextmanager
    def below(self) -> Iterator[None]:
        """Go down one level."""
        self.level -= 1
        try:
            yield
        finally:
            self.level += 1
