"""Where routing pays: by operation, dtype, layout and size.

Measured as forward and backward on two cores (Xeon with AVX-512, torch 2.13, two threads), stock
time over routed time. Dropout: 1.1 at 4,096 elements, 2.5 at 16,384, 6 at 65,536, in each dtype.
Batch norm in float32: 1.5 for (32, 64, 28, 28), 0.8 for (16, 32, 28, 28), 0.7 for (256, 64, 7, 7)
and 0.6 for (128, 1024); in bfloat16 and float64 at most 0.9.
"""

import math

import torch
from torch import Tensor

from wolfsbane.kernels.conditions import DTYPES
from wolfsbane.kernels.select import executor_for

LEAST_ELEMENTS: dict[tuple[str, torch.dtype], int] = {
    **{("dropout", dtype): 8192 for dtype in DTYPES["cpu"]},
    **{("alpha_dropout", dtype): 8192 for dtype in DTYPES["cpu"]},
    ("batch_norm", torch.float32): 1 << 20,
}
"""By operation and dtype. A pair that is not here is not routed."""

LEAST_PLANE = {"batch_norm": 256}
"""The least number of values of a sample's channel, which lie together."""

ONLY_CONTIGUOUS = frozenset({"batch_norm"})
"""Operations that torch computes as fast in other layouts."""


def pays(operation: str, input: Tensor) -> bool:
    """Whether a compiled kernel of wolfsbane's can take this input, and is faster than torch's."""
    least = LEAST_ELEMENTS.get((operation, input.dtype))
    if least is None or input.numel() < least:
        return False
    if operation in ONLY_CONTIGUOUS and not input.is_contiguous():
        return False
    if math.prod(input.shape[2:]) < LEAST_PLANE.get(operation, 0):
        return False
    name = "batch_norm" if operation == "batch_norm" else "dropout"
    return executor_for(name, input) is not None
