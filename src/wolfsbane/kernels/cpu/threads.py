"""How many threads run a kernel, and on whose pool.

A kernel's chunks are claimed by whoever comes, so a team is any number of threads that call it with
the same arguments. Where torch's OpenMP library has GNU's entry point, torch's own team runs it:
a second pool beside torch's would make both wait for a core. Elsewhere Python threads do.

A process that was forked runs kernels on one thread, as the pool's threads stayed in its parent.
"""

import ctypes
import functools
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

import torch

Entry = Callable[[int], None]

_is_forked = False


def _remember_fork() -> None:
    global _is_forked  # noqa: PLW0603  # a fact about the process
    _is_forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_remember_fork)


ELEMENTS_PER_THREAD = 1 << 15
"""Fewer take less time than a second thread takes to wake."""


def num_threads_for(size: int) -> int:
    """Return how many threads pay for a kernel over so many elements."""
    if size < 2 * ELEMENTS_PER_THREAD or _is_forked:
        return 1
    return min(size // ELEMENTS_PER_THREAD, torch.get_num_threads())


def run_on_team(entry: Entry, address: int, args: int, num_threads: int) -> None:
    """Call the kernel at `address`, also callable as `entry`, from several threads at once."""
    fork_join = _openmp_fork_join()
    if fork_join is not None:
        fork_join(address, args, num_threads, 0)
        return
    others: list[Future[None]] = []
    try:
        others.extend(_pool(num_threads - 1).submit(entry, args) for _ in range(num_threads - 1))
        entry(args)
    finally:
        _wait_for(others)


def _wait_for(futures: list[Future[None]]) -> None:
    """Return when all are done, whatever comes between: they write to tensors of the caller."""
    try:
        wait(futures)
    except BaseException:
        _wait_for(futures)
        raise


@functools.cache
def _openmp_fork_join() -> Callable[[int, int, int, int], None] | None:
    """Return GOMP_parallel(function, data, num_threads, flags) of the loaded OpenMP library."""
    try:
        # torch loads the libraries it depends on into the process's global namespace.
        fork_join = ctypes.CDLL(None).GOMP_parallel
    except (AttributeError, OSError, TypeError):
        return None
    fork_join.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    fork_join.restype = None
    return fork_join


@functools.lru_cache(maxsize=1)
def _pool(num_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(num_threads, thread_name_prefix="wolfsbane")
