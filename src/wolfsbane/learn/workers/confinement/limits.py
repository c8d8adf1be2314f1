"""Limits that every Unix has: memory, processor time, sizes and numbers of files."""

import math
import os
import resource
from pathlib import Path

MOST_IN_A_FILE = 64 << 20
"""Bytes: a small model's weights, not a disk full."""

MOST_OPEN = 1024
"""Descriptors: each may be a file that is in no folder any more."""

PAGES = Path("/proc/self/statm")
"""Where Linux says how much address space is mapped, in pages, first of all."""


def impose(memory: int, seconds: float) -> None:
    """Limit this process.

    Args:
        memory: bytes of address space beyond what is mapped now.
        seconds: that it will be given by the clock. Its parent ends it then; the limit on processor
            time is there for the case that the parent is gone.
    """
    if PAGES.exists():
        mapped = int(PAGES.read_text().split()[0]) * resource.getpagesize()
        _limit(resource.RLIMIT_AS, mapped + memory)
    used = resource.getrusage(resource.RUSAGE_SELF)
    threads = os.cpu_count() or 1
    _limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime + seconds * threads) + 1)
    _limit(resource.RLIMIT_FSIZE, MOST_IN_A_FILE)
    _limit(resource.RLIMIT_NOFILE, MOST_OPEN)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(what, (most, most))
