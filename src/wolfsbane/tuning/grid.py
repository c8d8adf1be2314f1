"""The points of a grid: all of them, or where they are too many, some that are spread evenly."""

import itertools
import math
from collections.abc import Sequence
from typing import TypeVar

LARGEST_GRID = 512
"""Points up to which a grid is listed whole; of larger ones that many are drawn."""

LARGEST_DRAW = 2**16
"""Where points coincide on the grid, that many are drawn at most to get as many different ones."""

T = TypeVar("T")


def points(values: Sequence[Sequence[T]]) -> list[tuple[T, ...]]:
    """Return different points, each of one value a dimension; the same ones every time.

    Of a large grid they are those that a Sobol sequence meets first, so that every value of a
    dimension comes up about equally often.

    Examples:
        >>> points([[0.0, 0.5], ["relu", "gelu"]])
        [(0.0, 'relu'), (0.0, 'gelu'), (0.5, 'relu'), (0.5, 'gelu')]

    References:
        Sobol 1967, USSR Computational Mathematics and Mathematical Physics 7(4).
    """
    if math.prod(map(len, values)) <= LARGEST_GRID:
        return list(itertools.product(*values))
    from scipy.stats import qmc  # noqa: PLC0415  # half a second of import

    found: dict[tuple[int, ...], None] = {}
    sequence = qmc.Sobol(len(values), scramble=False)
    while len(found) < LARGEST_GRID and sequence.num_generated < LARGEST_DRAW:
        shares = sequence.random(max(LARGEST_GRID, sequence.num_generated))
        found |= dict.fromkeys(
            tuple(int(share * len(of)) for share, of in zip(row, values, strict=True))
            for row in shares
        )
    return [
        tuple(of[index] for index, of in zip(point, values, strict=True))
        for point in itertools.islice(found, LARGEST_GRID)
    ]
