"""Data as callers give it: a name, a path, arrays, or a pool that is read already."""

from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import torch

from wolfsbane.errors import ArgumentError, DataError
from wolfsbane.experiment.data import Pool, load, pool_of_arrays


def is_data(given: object) -> bool:
    """Whether `given_pool` would take it: a text, a path, a pool, or a pair of arrays."""
    return isinstance(given, str | Path | Pool) or _is_pair(given)


def given_pool(given: Any, target: str | None) -> Pool:
    """Return the pool that a caller means.

    Args:
        given: a name or path as in `load`, (x, y) arrays, or a pool.
        target: the column of a CSV file to predict. Default: the last.

    Raises:
        DataError: it is none of these, or cannot be learned from.
        ArgumentError: a target without a file.
    """
    if isinstance(given, str | Path):
        return load(given, target)
    if target is not None:
        raise ArgumentError("target names a column of a CSV file, but the data is no file")
    if isinstance(given, Pool):
        return given
    if _is_pair(given):
        x, y = (_array(part) for part in given)
        return pool_of_arrays("arrays", {"x": x, "y": y})
    raise DataError(
        "data has to be 'spam', 'digits', a path, or a pair (x, y) of arrays, but got "
        f"{type(given).__name__}"
    )


def _is_pair(given: object) -> TypeGuard[tuple[Any, Any]]:
    return (
        isinstance(given, tuple)
        and len(given) == 2  # noqa: PLR2004
        and all(isinstance(part, list) or hasattr(part, "__array__") for part in given)
    )


def _array(values: Any) -> npt.NDArray[Any]:
    if isinstance(values, torch.Tensor):
        # NumPy has no bfloat16.
        values = (values.double() if values.is_floating_point() else values).numpy(force=True)
    array: npt.NDArray[Any] = np.asarray(values)
    return array
