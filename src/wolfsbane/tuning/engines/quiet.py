"""What a training prints in a worker: kept back, and told where the training fails."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

LONGEST = 4000
"""Characters of the end of what was printed that are kept."""


class Tail(io.TextIOBase):
    """A file that keeps the end of what is written to it.

    It stays writable for good: a logger that was made while it stood for stderr holds on to it.
    """

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        self.text = (self.text + text)[-LONGEST:]
        return len(text)


@contextmanager
def kept_back() -> Iterator[Tail]:
    """Keep what is printed off the terminal, where several workers would write over one another."""
    tail = Tail()
    with redirect_stdout(tail), redirect_stderr(tail):
        yield tail
