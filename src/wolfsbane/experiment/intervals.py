"""Means over seeds with their intervals, and what may be said of a difference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

CONFIDENCE = 0.95

NORMAL_QUANTILE = 1.96
"""Of the normal distribution at (1 + CONFIDENCE) / 2, rounded."""


class Verdict(StrEnum):
    """What a paired difference with its interval allows to be said."""

    GAIN = "gain"
    NOTHING = "no significant gain"
    HARM = "harm"


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its two-sided 95% interval.

    Attributes:
        mean: over the seeds.
        low: lower end of the interval; minus infinity from a single seed.
        high: upper end.
        num_seeds: how many values it rests on.
    """

    mean: float
    low: float
    high: float
    num_seeds: int


def estimate(
    values: Sequence[float], resolution: float = 0.0, first: int | None = None
) -> Estimate:
    r"""Return the mean of `values` with Student's interval, $\bar x \pm t_{n-1} s / \sqrt n$.

    Where the spread of the first values decided how many there are in all, deviation and quantile
    have to come from those alone, and the mean from all (Stein's two stages):
    $\bar x_N \pm t_{n_0-1} s_{n_0} / \sqrt N$. It covers the truth as often as it claims, because
    the mean of normal values does not depend on their deviation, and so not on N either.

    Args:
        values: one per seed, independent.
        resolution: the step in which a value can change (one test example, one epoch). Rounding
            a difference of two such values adds a variance of resolution^2 / 6, below which s^2
            is not taken: equal counts on few seeds do not make an interval of width zero.
        first: how many of the values were fixed beforehand, n_0; the rest were added because of
            their deviation. Default: all of them.

    References:
        Student 1908, doi:10.2307/2331554. Sheppard 1897 for the variance of rounding.
        Stein 1945, doi:10.1214/aoms/1177731088, for the two stages.
    """
    count = len(values)
    first = count if first is None else min(first, count)
    mean = float(np.mean(values))
    margin = margin_of(deviation(values[:first], resolution), count, first)
    return Estimate(mean, mean - margin, mean + margin, count)


def deviation(values: Sequence[float], resolution: float = 0.0) -> float:
    """Return the standard deviation of values with a step of `resolution`; infinite of one."""
    if len(values) == 1:
        return math.inf
    return math.sqrt(max(float(np.var(values, ddof=1)), resolution**2 / 6))


def margin_of(deviation: float, count: int, first: int) -> float:
    """Return half the width of the interval of a mean.

    Args:
        deviation: of the values.
        count: values in the mean.
        first: values that the deviation was estimated from.
    """
    from scipy.stats import t  # noqa: PLC0415  # half a second of import

    if first == 1:
        return math.inf
    return float(t.ppf((1 + CONFIDENCE) / 2, first - 1)) * deviation / math.sqrt(count)


def count_for(deviation: float, margin: float) -> float:
    """Return how many values are expected to make an interval of `margin` to either side.

    Two at least; infinite where none is enough.
    """
    least = _count(NORMAL_QUANTILE * deviation, margin)
    if math.isinf(least):
        return math.inf
    count = max(2, int(least))  # Student's quantile is above the normal one, by ever less.
    while margin_of(deviation, count, count) > margin:
        count += 1
    return count


def total_for(deviation: float, margin: float, first: int) -> float:
    r"""Return Stein's number of values in all, $\lceil (t_{n_0-1} s_{n_0} / margin)^2 \rceil$.

    Args:
        deviation: of the first values.
        margin: half the width that the interval may have.
        first: how many the first values are, n_0, of which there are no fewer.

    References:
        Stein 1945, doi:10.1214/aoms/1177731088.
    """
    return max(first, _count(margin_of(deviation, 1, first), margin))


def _count(alone: float, margin: float) -> float:
    """Return how many values narrow an interval from `alone`, that of one value, to `margin`."""
    if alone <= margin:
        return 1
    ratio = alone / margin if margin else math.inf
    count = ratio * ratio
    return math.inf if math.isinf(count) else math.ceil(count)


def judge(difference: Estimate, higher_is_better: bool) -> Verdict:
    """Return gain or harm where the interval excludes zero, else no significant gain."""
    if difference.low <= 0.0 <= difference.high:
        return Verdict.NOTHING
    return Verdict.GAIN if (difference.mean > 0.0) == higher_is_better else Verdict.HARM
