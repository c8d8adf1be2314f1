"""Ctrl-C that is heard whatever Python is doing when it comes."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

P = TypeVar("P")
"""Where something stands."""


@contextmanager
def interrupts_heard(
    on_progress: Callable[[P], None],
) -> Iterator[Callable[[P], None]]:
    """Raise KeyboardInterrupt for Ctrl-C at once, and again at the next epoch if that was lost.

    Python forgets an exception that a signal's handler raises inside a finaliser or a callback
    from C code; a comparison would then run on for hours.
    """
    asked = False

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        raise KeyboardInterrupt

    def heard(progress: P) -> None:
        if asked:
            raise KeyboardInterrupt
        on_progress(progress)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)
