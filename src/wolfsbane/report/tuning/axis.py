"""How much of the objective an axis shows: no far outlier, which would squash the rest."""

from collections.abc import Sequence
from statistics import median

FURTHEST = 2.5
"""Points are shown up to this many times as far from the best as the typical one is."""


def axis_limits(
    values: Sequence[float], baseline: Sequence[float], *, higher_is_better: bool
) -> tuple[float, float]:
    """Return limits that show the best, the baseline and most values, but no far outlier."""
    sign = -1.0 if higher_is_better else 1.0
    worse = sorted(sign * value for value in values)
    best = worse[0]
    typical = max(
        median(worse) - best,
        median(sign * value for value in baseline) - best if baseline else 0.0,
    )
    furthest = worse[-1] - best
    if typical > 0.0:
        furthest = min(furthest, FURTHEST * typical)
    margin = (furthest or abs(best) or 1.0) / 15
    ends = sign * (best - margin), sign * (best + furthest + margin)
    return min(ends), max(ends)
