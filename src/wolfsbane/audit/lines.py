"""The user's line: the innermost one of a stack outside torch, Python and wolfsbane."""

import functools
import itertools
import linecache
import os
import re
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import CodeType, FrameType, TracebackType

import torch

import wolfsbane
from wolfsbane.audit.finding import Place, Span

LINE = re.compile(r'^ *File "(?P<file>.+)", line (?P<line>\d+), in ', re.MULTILINE)
"""A frame in the text of a stack, as Python prints it."""

STANDARD_LIBRARY = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
SITE_PACKAGES = ("site-packages", "dist-packages")
"""Folders within the standard library that hold others' code."""


def place_of_caller(module: str | None = None) -> Place:
    """Return the user's line that is running, with the columns of its call.

    Args:
        module: path of the module that it runs in, where that is known.
    """
    for frame in _outwards(sys._getframe(1)):  # noqa: SLF001  # inspect.stack reads every file
        file = frame.f_code.co_filename
        if is_users(file):
            place = _place_of(frame.f_code, frame.f_lasti, file)
            return place if module is None else replace(place, module=module)
    return Place(module=module)


def place_of_error(trace: TracebackType | None) -> Place:
    """Return the innermost line of the user's in a traceback."""
    found = Place()
    while trace is not None:
        code = trace.tb_frame.f_code
        if is_users(code.co_filename):
            found = _place_of(code, trace.tb_lasti, code.co_filename)
        trace = trace.tb_next
    return found


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


@functools.lru_cache(maxsize=4096)
def is_users(file: str) -> bool:
    """Whether a file is neither torch's, nor Python's, nor ours."""
    if file.startswith(("<frozen ", *_our_folders())):
        return False
    is_pythons = file.startswith(_python_folders())
    return not is_pythons or any(folder in file for folder in SITE_PACKAGES)


@functools.cache
def _our_folders() -> tuple[str, ...]:
    packages = (torch.__file__, wolfsbane.__file__)
    return tuple(f"{Path(package).parent}{os.sep}" for package in packages)


@functools.cache
def _python_folders() -> tuple[str, ...]:
    return tuple(f"{folder}{os.sep}" for folder in STANDARD_LIBRARY if folder)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


@functools.lru_cache(maxsize=4096)
def _place_of(code: CodeType, instruction: int, file: str) -> Place:
    """Return where the expression is that an instruction is a part of.

    Code of two files may be equal, so that its file is told beside it.
    """
    positions = itertools.islice(code.co_positions(), instruction // 2, None)
    line, end_line, start, end = next(positions, (None, None, None, None))
    if line is None:
        return Place(file)
    if end_line is None or start is None or end is None:
        return Place(file, _whole(file, line))
    span = Span(line, _column(file, line, start), end_line, _column(file, end_line, end))
    return Place(file, span)


def _column(file: str, line: int, offset: int) -> int:
    """Return the column, from 1, of a character that begins after so many bytes of its line."""
    text = linecache.getline(file, line).encode()
    return 1 + (len(text[:offset].decode(errors="ignore")) if text else offset)


def _whole(file: str, line: int) -> Span:
    text = linecache.getline(file, line).rstrip()
    indent = len(text) - len(text.lstrip())
    return Span(line, indent + 1, line, len(text) + 1)
