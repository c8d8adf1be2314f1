"""Where routing pays: by operation, dtype, layout and size."""

import torch
from torch import Tensor

from wolfsbane.kernels.select import CPU_DTYPES, runs_on_cpu

# The least number of elements that is routed. Provisional: to be set from measurements.
_ELEMENTWISE = 4096
_PER_CHANNEL = 16384
_BATCH_NORM = 16384

LEAST_ELEMENTS: dict[tuple[str, torch.dtype], int] = {
    (operation, dtype): least
    for operation, least in {
        "dropout": _ELEMENTWISE,
        "alpha_dropout": _ELEMENTWISE,
        "feature_dropout": _PER_CHANNEL,
        "feature_alpha_dropout": _PER_CHANNEL,
        "batch_norm": _BATCH_NORM,
    }.items()
    for dtype in CPU_DTYPES
}
"""By operation and dtype. A pair that is not here is not routed."""

ONLY_CONTIGUOUS = frozenset({"batch_norm"})
"""Operations that torch computes as fast in other layouts."""


def pays(operation: str, input: Tensor) -> bool:
    """Whether a compiled kernel of wolfsbane's can take this input, and is faster than torch's."""
    least = LEAST_ELEMENTS.get((operation, input.dtype))
    if least is None or input.numel() < least:
        return False
    if operation in ONLY_CONTIGUOUS and not input.is_contiguous():
        return False
    return runs_on_cpu("batch_norm" if operation == "batch_norm" else "dropout", input)
