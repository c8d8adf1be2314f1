"""The conditions under which every experiment computes: its own random state, one thread."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Draw from torch's default generator under `seed`, on one thread; leave both as they were.

    Sums over several threads are added in another order, so the figures would depend on the
    machine; and networks of this size gain nothing from a second thread.
    """
    num_threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(num_threads)
