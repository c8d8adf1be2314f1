"""In which dtype the activations of the collection compute, and which dtypes they take."""

import torch
from torch import Tensor

from wolfsbane.errors import DtypeError


def check_floating(name: str, input: Tensor) -> None:
    """Raise unless the input holds real floating-point numbers."""
    if not input.is_floating_point():
        raise DtypeError(
            f'"{name}" not implemented for {input.dtype}: it needs a floating-point input. '
            "Convert it: input.float()"
        )


def widened(input: Tensor) -> Tensor:
    """Return the input in the dtype to compute in: float32, or float64 for float64."""
    return input.float() if input.dtype.itemsize < torch.float32.itemsize else input
