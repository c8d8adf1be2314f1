"""What is seen of a forward pass that is timed."""

import sys
import time
from typing import Any

import torch
from torch import Tensor


class Meter:
    """Looks at a pass: when it first drops, and what it does from there on."""

    def __init__(self) -> None:
        self.first_drop_at: float | None = None
        self.largest = 0
        """Bytes of the largest tensor from the first drop on."""
        self.reads_numbers = False
        """Whether Python has seen any from the first drop on."""

    def note_drop(self, input: Tensor) -> None:
        """Note that a tensor is about to be dropped."""
        if self.first_drop_at is None:
            self.first_drop_at = now(input.device)
        self.note(input)

    def note(self, output: Any, is_read: bool = False) -> None:
        """Note what a function returned, and whether it reads numbers."""
        if self.first_drop_at is None:
            return
        self.reads_numbers |= is_read
        if isinstance(output, Tensor):
            self.largest = max(self.largest, output.nbytes)


def now(device: torch.device) -> float:
    """Return the time in seconds when all that was begun on a device is done.

    On a CPU it is the time this thread has had a processor, so that other processes do not decide
    which strategy is fast. Windows counts that in steps of 16 ms.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    if device.type == "cpu" and sys.platform != "win32":
        return time.thread_time()
    return time.perf_counter()
