"""The user's line in a stack: the innermost that is neither torch's nor wolfsbane's."""

import contextlib
import functools
import linecache
import re
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from types import FrameType

import torch

from wolfsbane import errors
from wolfsbane.audit.finding import Place, Span

LINE = re.compile(r'^ *File "(?P<file>.+)", line (?P<line>\d+), in ', re.MULTILINE)
"""A frame in the text of a stack, as Python prints it."""

NOT_USERS = (
    *(f"{Path(str(module.__file__)).parent}/" for module in (torch, errors)),
    *(str(module.__file__) for module in (contextlib, functools)),
    "<frozen ",
)
"""How the files of torch, of wolfsbane and of decorators begin."""


def is_users(file: str) -> bool:
    """Whether a file is neither torch's nor wolfsbane's."""
    return not file.startswith(NOT_USERS)


def place_in_text(stack: str | None, module: str | None) -> Place:
    r"""Return the user's line in a stack's text, the innermost frame last; in which module.

    Examples:
        >>> place_in_text('File "net.py", line 7, in forward\\n    return drop(x)', "fc").file
        'net.py'
    """
    frames = [(frame["file"], int(frame["line"])) for frame in LINE.finditer(stack or "")]
    for file, line in reversed(frames):
        if is_users(file):
            return Place(file, _whole(file, line), module=module)
    return Place(module=module)


def place_of_caller(module: str | None) -> Place:
    """Return the user's line that is running now, with the columns of its call."""
    for frame in _outwards(sys._getframe(1)):  # noqa: SLF001  # no stack is as fast
        if is_users(frame.f_code.co_filename):
            return Place(frame.f_code.co_filename, _span(frame), module=module)
    return Place(module=module)


def _outwards(frame: FrameType | None) -> Iterable[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _span(frame: FrameType) -> Span:
    """Return the columns of the expression that a frame is evaluating."""
    code = frame.f_code
    found = next(islice(code.co_positions(), frame.f_lasti // 2, None), None)
    line, end_line, start, end = (None,) * 4 if found is None else found
    if line is None or end_line is None or start is None or end is None:
        return _whole(code.co_filename, frame.f_lineno)
    begin, stop = (code.co_filename, line, start), (code.co_filename, end_line, end)
    return Span(line, _column(*begin), end_line, _column(*stop))


def _column(file: str, line: int, offset: int) -> int:
    """Return the column, from 1, of a character that begins after so many bytes of its line."""
    text = linecache.getline(file, line).encode()
    return 1 + (len(text[:offset].decode(errors="ignore")) if text else offset)


def _whole(file: str, line: int) -> Span:
    text = linecache.getline(file, line).rstrip()
    indent = len(text) - len(text.lstrip())
    return Span(line, indent + 1, line, len(text) + 1)
