"""A traceback as a student needs it: the frames of the program, and what was raised."""

import traceback
from collections.abc import Iterator

MOST_LINES = 40
"""Of a traceback, the last: enough for what raised, and for what it was raised from."""

MOST_FRAMES = 1_000
"""Looked at, the innermost: recursion can leave millions, which take longer than the run."""


def error_text(error: BaseException, file: str) -> str:
    """Return an exception's traceback with the frames of one file alone, source line and caret.

    Args:
        error: the exception.
        file: the program's.
    """
    told = traceback.TracebackException.from_exception(_shortened(error), compact=True)
    for each in _family(told, set()):
        each.stack[:] = [frame for frame in each.stack if frame.filename == file]
    lines = "".join(told.format()).rstrip().splitlines()
    if len(lines) > MOST_LINES:
        lines = ["...", *lines[-MOST_LINES:]]
    return "\n".join(lines)


def last_line(error: BaseException) -> str:
    """Return what was raised in one line: `ValueError: what it says`."""
    told = traceback.TracebackException.from_exception(error, limit=0)
    return "".join(told.format_exception_only()).strip().splitlines()[-1]


def line_of(error: BaseException, file: str) -> int:
    """Return the innermost line of a file in an exception's traceback; 0 where there is none."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno or 0
    found = 0
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == file:
            found = line
    return found


def _shortened(error: BaseException) -> BaseException:
    """Take all frames but the innermost out of a traceback."""
    depth = sum(1 for _ in traceback.walk_tb(error.__traceback__))
    trace = error.__traceback__
    for _ in range(depth - MOST_FRAMES):
        trace = None if trace is None else trace.tb_next
    return error.with_traceback(trace)


def _family(
    told: traceback.TracebackException | None, seen: set[int]
) -> Iterator[traceback.TracebackException]:
    if told is None or id(told) in seen:
        return
    seen.add(id(told))
    yield told
    for relative in (told.__cause__, told.__context__, *(told.exceptions or ())):
        yield from _family(relative, seen)
