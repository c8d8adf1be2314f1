"""Answers that are remembered, and which of them may have to be given again."""

from collections.abc import Callable, Hashable
from typing import TypeVar

T = TypeVar("T")


class Memory:
    """Remembers lists, by a key.

    Questions about values lead to others, sometimes back to themselves, and some rest on who calls
    a function, which is not known at first. What rests on such an answer is tentative.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, list[object]] = {}
        self._tentative: set[Hashable] = set()
        self._has_asked = False

    def recall(self, key: Hashable, find: Callable[[], list[T]]) -> list[T]:
        """Return what was found under a key, or find it now; inside its own search it is empty."""
        known = self._known.get(key)
        if known is None:
            return self._find(key, find)
        self._has_asked |= key in self._tentative
        return known  # type: ignore[return-value]  # a key is always asked with the same type

    def _find(self, key: Hashable, find: Callable[[], list[T]]) -> list[T]:
        self._known[key] = []
        self._tentative.add(key)
        before, self._has_asked = self._has_asked, False
        found = find()
        self._known[key] = found  # type: ignore[assignment]
        if not self._has_asked:
            self._tentative.discard(key)
        self._has_asked |= before
        return found

    def has(self, key: Hashable) -> bool:
        """Whether something is remembered under a key."""
        return key in self._known

    def ask(self) -> None:
        """Note that what is being found now rests on who calls a function."""
        self._has_asked = True

    def forget_tentative(self) -> None:
        """Forget what rests on who calls a function."""
        for key in self._tentative:
            self._known.pop(key, None)
        self._tentative.clear()
