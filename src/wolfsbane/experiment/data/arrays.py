"""NumPy archives: x and y, or x_train, y_train, x_test, y_test."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from wolfsbane.errors import DataError
from wolfsbane.experiment.data.examples import Examples, Kind, Pool, check_labels

NAMES = {
    "x": ("x", "X", "x_train", "X_train", "data"),
    "y": ("y", "Y", "y_train", "Y_train", "target", "labels"),
    "x_test": ("x_test", "X_test"),
    "y_test": ("y_test", "Y_test"),
}
"""The names under which archives in use hold inputs and labels."""

PICTURE_CHANNELS = frozenset({1, 3, 4})

Array = npt.NDArray[np.generic]


def load_arrays(path: Path) -> Pool:
    """Read an .npz archive; inputs of three or four dimensions are pictures."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, EOFError, TypeError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    return pool_of_arrays(path.stem, arrays, str(path))


def pool_of_arrays(name: str, arrays: dict[str, Array], where: str = "data") -> Pool:
    """Return the pool of arrays x and y, and x_test and y_test where they are there."""
    x, y = _find(arrays, "x", where), _find(arrays, "y", where)
    if x is None or y is None:
        raise DataError(
            f"{where}: expected arrays x and y (or x_train, y_train, x_test, y_test), but found "
            f"{', '.join(arrays) or 'none'}"
        )
    values = np.unique(y)
    classes = tuple(str(value) for value in values)
    examples = _examples(x, y, values, f"{where}, x and y")
    check_labels(examples.y, classes, f"{where}, y")
    x_test, y_test = _find(arrays, "x_test", where), _find(arrays, "y_test", where)
    test = None
    if (x_test is None) != (y_test is None):
        raise DataError(f"{where}: x_test and y_test go together, but one of them is missing")
    if x_test is not None and y_test is not None:
        test = _examples(x_test, y_test, values, f"{where}, x_test and y_test")
        if test.x.shape[1:] != examples.x.shape[1:]:
            raise DataError(
                f"{where}: x holds examples of shape {tuple(examples.x.shape[1:])} and x_test of "
                f"shape {tuple(test.x.shape[1:])}"
            )
    kind: Kind = "pictures" if examples.x.dim() == 4 else "table"  # noqa: PLR2004
    return Pool(name, kind, examples, classes, test)


def _find(arrays: dict[str, Array], what: str, where: str) -> Array | None:
    found = [name for name in NAMES[what] if name in arrays]
    if len(found) > 1:
        raise DataError(f"{where}: both {found[0]!r} and {found[1]!r} are there; keep one")
    return arrays[found[0]] if found else None


def _examples(x: Array, y: Array, values: Array, where: str) -> Examples:
    if y.ndim != 1 or x.ndim not in {2, 3, 4} or len(x) != len(y) or not len(y):
        raise DataError(
            f"{where}: expected (N, features), (N, H, W) or (N, C, H, W) and (N,), but got "
            f"{x.shape} and {y.shape}"
        )
    if x.dtype.kind not in "biuf":
        raise DataError(f"{where}: expected numbers, but the inputs are {x.dtype}")
    inputs = torch.from_numpy(x.astype(np.float64))
    bad = (~torch.isfinite(inputs)).nonzero()
    if len(bad):
        index = tuple(bad[0].tolist())
        raise DataError(f"{where}: {x[index]} at index {index}. Fill it in or drop the example")
    unknown = ~np.isin(y, values)
    if unknown.any():
        raise DataError(f"{where}: label {y[unknown][0]} does not occur in training")
    labels = torch.from_numpy(np.searchsorted(values, y).astype(np.int64))
    return Examples(_channels_second(inputs), labels)


def _channels_second(x: torch.Tensor) -> torch.Tensor:
    if x.dim() == 3:  # noqa: PLR2004
        return x.unsqueeze(1)
    is_nhwc = x.dim() == 4 and x.size(-1) in PICTURE_CHANNELS and x.size(1) not in PICTURE_CHANNELS  # noqa: PLR2004
    return x.permute(0, 3, 1, 2).contiguous() if is_nhwc else x
