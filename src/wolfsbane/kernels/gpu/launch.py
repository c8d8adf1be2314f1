"""How a kernel is started: on the device of its tensors, with a key that never recompiles it.

Triton compiles a kernel anew for an integer that is 1, or divisible by 16, or wider than 32 bits.
What changes from call to call is therefore passed as 32-bit halves, named in `PER_CALL`.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from wolfsbane.mask import threshold

PER_CALL = ("key_low", "key_high", "cut", "first")
"""Kernels do not specialise on these."""

_HALF = 1 << 32
_SIGN = 1 << 31


class Mask(NamedTuple):
    """Key and threshold of a mask, as kernels take them: signed 32-bit numbers."""

    key_low: int
    key_high: int
    cut: int
    """The threshold in the upper sixteen bits: what sixteen random bits are compared with there."""
    first: int
    """Index of the mask's first element; where bits are read, its place among those."""


def mask_of(p: float, key: int, first: int = 0) -> Mask:
    """Return a mask's numbers; p is below 1."""
    return Mask(_signed(key % _HALF), _signed(key // _HALF), _signed(threshold(p) << 16), first)


def _signed(word: int) -> int:
    return word - _HALF if word >= _SIGN else word


def launch(kernel: Any, num_programs: int, like: Tensor, *arguments: Any, **constants: Any) -> None:
    """Start a kernel on the device of `like`; to change devices costs, so only where it must.

    A product and a sum may be one operation; Triton 3.9 warns unless that is said.
    """
    if like.is_cuda and like.device.index != torch.cuda.current_device():
        with torch.cuda.device(like.device):
            kernel[(num_programs,)](*arguments, **constants, enable_fp_fusion=True)
    else:
        kernel[(num_programs,)](*arguments, **constants, enable_fp_fusion=True)
