"""Ctrl-C reaches every process of a terminal; only the one that asks may answer it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held() -> Iterator[None]:
    """Keep Ctrl-C waiting, and start processes that never see it: they inherit what is held.

    A worker that ignored it once it runs would still print a traceback when Ctrl-C comes while it
    imports. Where the system has no such signal masks (Windows) nothing is done.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
