"""What a program prints: kept, cut where it is too much, and told while it runs."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from contextvars import ContextVar

MOST_CHARACTERS = 20_000
"""Kept of what a program prints: some 300 lines, more than are read."""

Listener = Callable[[str], None]
_LISTENER: ContextVar[Listener | None] = ContextVar("listener to what is printed", default=None)


class TooMuchPrintedError(BaseException):
    """A program has printed more than is kept. Not an Exception, so that few programs catch it."""


class Printout(io.TextIOBase):
    """A text stream that keeps what is written to it, up to a number of characters.

    Args:
        most: how many characters are kept; the write that passes it raises.
        listener: is told each text as it is written.
    """

    def __init__(self, most: int = MOST_CHARACTERS, listener: Listener | None = None) -> None:
        super().__init__()
        self._most = most
        self._listener = listener
        self._texts: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        """What was written, as far as it is kept."""
        return "".join(self._texts)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a property, where typeshed has a field
        """As programs expect of sys.stdout."""
        return "utf-8"

    def writable(self) -> bool:
        """As programs expect of sys.stdout."""
        return True

    def write(self, text: str) -> int:
        """Keep a text.

        Raises:
            TooMuchPrintedError: it is too much.
        """
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        text.encode()  # Raises for half a character, as a terminal's stream does.
        if text and self._listener is not None:
            self._listener(text[: self._most + 1])
        self._texts.append(text[: self._most - self._length])
        self._length = min(self._length + len(text), self._most + 1)
        if self._length > self._most:
            raise TooMuchPrintedError
        return len(text)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Tell `listener` each text that programs print in this block, while they print it."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextmanager
def captured(*, is_heard: bool = True) -> Iterator[Printout]:
    """Take what is printed in this block, on stdout and stderr; nobody answers on stdin.

    Args:
        is_heard: whether who listens hears of it.
    """
    printout = Printout(listener=_LISTENER.get() if is_heard else None)
    stdin, sys.stdin = sys.stdin, _Nobody()
    try:
        with redirect_stdout(printout), redirect_stderr(printout):
            yield printout
    finally:
        sys.stdin = stdin


class _Nobody(io.TextIOBase):
    """What a program reads from that asks: nobody is there to answer."""

    def readline(self, _size: int = -1, /) -> str:  # type: ignore[override]
        return self.read()

    def read(self, _size: int | None = -1, /) -> str:
        raise EOFError("nobody can answer here: write the value into the program")
