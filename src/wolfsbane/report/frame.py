"""Records as a pandas DataFrame, which is no dependency."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wolfsbane.errors import MissingDependencyError

if TYPE_CHECKING:
    import pandas as pd


def to_frame(table: Sequence[dict[str, Any]]) -> "pd.DataFrame":
    """Return `table` as a pandas DataFrame.

    Raises:
        MissingDependencyError: pandas is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415  # not a dependency
    except ImportError as error:
        raise MissingDependencyError(
            "to_frame() needs pandas: pip install pandas; .table has the same as dictionaries"
        ) from error
    return pd.DataFrame(list(table))
