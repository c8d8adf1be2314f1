"""Whether a text is Python at all, said before it is run."""

import warnings
from dataclasses import dataclass

from wolfsbane.learn.practice.running import FILE, remember
from wolfsbane.learn.practice.tracebacks import error_text, last_line


@dataclass(frozen=True)
class SyntaxFault:
    """Why a text is not Python.

    Attributes:
        text: as Python prints it, with the line and a caret.
        what: in a line.
        line: from 1; 0 where it is not known.
    """

    text: str
    what: str
    line: int


def syntax_error(program: str) -> SyntaxFault | None:
    """Return why a program is not Python; None where it is."""
    remember(FILE, program)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(program, FILE, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 0
        return SyntaxFault(error_text(error, FILE), last_line(error), line)
    return None
