"""What a worker does: one training at a time, on one thread, until it is told to stop."""

import ctypes
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from joblib.externals.loky import process_executor

from wolfsbane.tuning.engines.failure import Failure, failure_of
from wolfsbane.tuning.engines.parcel import Parcel
from wolfsbane.tuning.engines.quiet import kept_back
from wolfsbane.tuning.trial import Outcome, Request

PARENT_LOOKED_AT = 1.0
"""Seconds between two looks at whether the process that asked is still there."""

_alone = threading.Lock()
_running: dict[int, str] = {}
_stopped: set[str] = set()


class Stopped(BaseException):
    """Raised in the thread of a training whose outcome nobody waits for any more."""


def attempt(parcel: Parcel, request: Request) -> tuple[Request, Outcome | Failure]:
    """Make a training and return what came out, an exception included.

    Torch's random state, its number of threads and what stdout is belong to the process, so a
    worker with several threads (Dask's may have) makes one training at a time.
    """
    with _alone, kept_back() as printed:
        try:
            with _named(parcel.batch), _one_thread():
                perform, setting = parcel.unpack()
                return request, perform(setting, request)
        except BaseException as error:  # noqa: BLE001  # SystemExit would end the worker
            return request, failure_of(error, printed.text)


def stop(batch: str) -> None:
    """Stop what this process trains of a batch, as soon as Python has its turn there.

    Dask forgets a task that is cancelled, and lets it run to its end.
    """
    _stopped.add(batch)
    for thread, found in list(_running.items()):
        if found == batch:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread), ctypes.py_object(Stopped)
            )


@contextmanager
def _named(batch: str) -> Iterator[None]:
    if batch in _stopped:
        raise Stopped
    thread = threading.get_ident()
    _running[thread] = batch
    try:
        yield
    finally:
        del _running[thread]


@contextmanager
def _one_thread() -> Iterator[None]:
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(num_threads)


def begin(parent: int) -> None:
    """Leave Ctrl-C to the process that asks, and end when that is gone.

    loky's worker also ends itself, with a warning, when it has grown by 300 MB since its first
    training: a larger one has come, or the first has imported less. It has no switch for that.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process_executor._USE_PSUTIL = False  # noqa: SLF001
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process once another than `parent` has adopted it: then that was killed."""
    while os.getppid() == parent:
        time.sleep(PARENT_LOOKED_AT)
    os._exit(1)
