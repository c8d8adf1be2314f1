"""Which line of the user's is running: the innermost one outside torch, Python and wolfsbane."""

import functools
import itertools
import os
import sys
import sysconfig
from pathlib import Path
from types import CodeType, FrameType, TracebackType

import torch

import wolfsbane
from wolfsbane.audit.finding import Place, Span

STANDARD_LIBRARY = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
SITE_PACKAGES = ("site-packages", "dist-packages")
"""Folders within the standard library that hold others' code."""


def current_place() -> Place:
    """Return the user's line that is running."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # inspect.stack reads every file
    while frame is not None:
        if is_users(frame.f_code):
            return _place_of(frame.f_code, frame.f_lasti, frame.f_code.co_filename)
        frame = frame.f_back
    return Place()


def place_of_error(trace: TracebackType | None) -> Place:
    """Return the innermost line of the user's in a traceback."""
    found = Place()
    while trace is not None:
        if is_users(trace.tb_frame.f_code):
            code = trace.tb_frame.f_code
            found = _place_of(code, trace.tb_lasti, code.co_filename)
        trace = trace.tb_next
    return found


def is_users(code: CodeType) -> bool:
    """Whether code is neither torch's, nor Python's, nor ours."""
    return _is_users_file(code.co_filename)


@functools.lru_cache(maxsize=4096)
def _is_users_file(file: str) -> bool:
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


@functools.lru_cache(maxsize=4096)
def _place_of(code: CodeType, instruction: int, file: str) -> Place:
    """Return where an instruction is. Code in two files may be equal: the file counts as well."""
    positions = itertools.islice(code.co_positions(), instruction // 2, None)
    line, end_line, column, end_column = next(positions, (None, None, None, None))
    if line is None:
        return Place(file)
    span = Span(line, (column or 0) + 1, end_line or line, (end_column or 0) + 1)
    return Place(file, span)
