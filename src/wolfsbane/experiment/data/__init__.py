"""Data to learn from: bundled, from scikit-learn, or the user's own files."""

from pathlib import Path

from wolfsbane.errors import DataError
from wolfsbane.experiment.data.arrays import load_arrays, pool_of_arrays
from wolfsbane.experiment.data.bundled import load_digits, load_spam
from wolfsbane.experiment.data.examples import Data, Examples, Pool
from wolfsbane.experiment.data.pictures import load_pictures
from wolfsbane.experiment.data.split import add_label_noise, default_train_size, split
from wolfsbane.experiment.data.table import load_table

__all__ = [
    "BUNDLED",
    "Data",
    "Examples",
    "Pool",
    "add_label_noise",
    "default_train_size",
    "expand",
    "load",
    "pool_of_arrays",
    "split",
]

BUNDLED = {"spam": load_spam, "digits": load_digits}
"""Data sets that need no file, by name."""


def expand(name: str) -> Path:
    """Return the path that `name` means, a leading ~ being the home directory."""
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise DataError(f"no such data: {name!r}: {error}") from error


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise DataError(f"no such data: {str(path)!r}: {error.strerror}") from error


def load(source: str | Path, target: str | None = None) -> Pool:
    """Read a data set: a bundled name, FILE.csv, FILE.csv.gz, FILE.npz, or a folder of pictures.

    Args:
        source: `spam`, `digits`, or a path.
        target: the column to predict in a CSV file. Default: its last column.

    Raises:
        DataError: the data is missing, unreadable, or cannot be learned from.
    """
    name = str(source)
    path = expand(name)
    is_table = name.lower().endswith((".csv", ".csv.gz"))
    if target is not None and not is_table:
        raise DataError(f"--target names a column of a CSV file, but the data is {name!r}")
    if name in BUNDLED:
        return BUNDLED[name]()
    if not _exists(path):
        raise DataError(
            f"no such data: {name!r}. Expected {' or '.join(BUNDLED)}, a CSV or NPZ file, or a "
            "folder with train/CLASS/*.jpg and test/CLASS/*.jpg"
        )
    if path.is_dir():
        return load_pictures(path)
    if is_table:
        return load_table(path, target)
    if path.suffix.lower() == ".npz":
        return load_arrays(path)
    raise DataError(f"cannot read {name!r}: expected a file ending in .csv, .csv.gz or .npz")
