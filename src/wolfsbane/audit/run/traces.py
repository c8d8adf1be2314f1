"""Tracebacks as they would be without wolfsbane: the frames that watching adds are taken out."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, TracebackType

import torch

from wolfsbane.audit.run.functions import Recorder

HERE = f"{Path(__file__).parent}{os.sep}"
RECORDED = Recorder.__torch_function__.__code__
REDIRECTED = torch.overrides.handle_torch_function.__code__
"""Under a function mode, a torch function written in Python calls this, which calls it again."""


def clean(error: BaseException, begin: CodeType) -> None:
    """Take our frames out of an exception's traceback, and out of those that it came from.

    Args:
        error: the exception.
        begin: the function of ours that ran the program; all frames up to it go.
    """
    for each in _family(error, set()):
        kept = _without_ours(_behind(_entries(each.__traceback__), begin))
        each.__traceback__ = _chained(kept)


def _family(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for relative in (error.__cause__, error.__context__, *members):
        yield from _family(relative, seen)


def _entries(trace: TracebackType | None) -> list[TracebackType]:
    found = []
    while trace is not None:
        found.append(trace)
        trace = trace.tb_next
    return found


def _behind(entries: list[TracebackType], begin: CodeType) -> list[TracebackType]:
    places = [n for n, entry in enumerate(entries) if entry.tb_frame.f_code is begin]
    return entries[places[-1] + 1 :] if places else entries


def _without_ours(entries: Iterable[TracebackType]) -> list[TracebackType]:
    kept: list[TracebackType] = []
    for entry in entries:
        code = entry.tb_frame.f_code
        if code is RECORDED and kept and kept[-1].tb_frame.f_code is REDIRECTED:
            del kept[-2:]
        if not code.co_filename.startswith(HERE):
            kept.append(entry)
    return kept


def _chained(entries: list[TracebackType]) -> TracebackType | None:
    trace = None
    for entry in reversed(entries):
        trace = TracebackType(trace, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return trace
