"""Means over seeds with their intervals, and what may be said of a difference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

CONFIDENCE = 0.95


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


def estimate(values: Sequence[float], resolution: float = 0.0) -> Estimate:
    r"""Return the mean of `values` with Student's interval, $\bar x \pm t_{n-1} s / \sqrt n$.

    Args:
        values: one per seed, independent.
        resolution: the step in which a value can change (one test example, one epoch). Rounding
            a difference of two such values adds a variance of resolution^2 / 6, below which s^2
            is not taken: equal counts on few seeds do not make an interval of width zero.

    References:
        Student 1908, doi:10.2307/2331554. Sheppard 1897 for the variance of rounding.
    """
    from scipy.stats import t  # noqa: PLC0415  # half a second of import

    count = len(values)
    mean = float(np.mean(values))
    if count == 1:
        return Estimate(mean, -math.inf, math.inf, count)
    variance = max(float(np.var(values, ddof=1)), resolution**2 / 6)
    margin = float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * math.sqrt(variance / count)
    return Estimate(mean, mean - margin, mean + margin, count)


def judge(difference: Estimate, higher_is_better: bool) -> Verdict:
    """Return gain or harm where the interval excludes zero, else no significant gain."""
    if difference.low <= 0.0 <= difference.high:
        return Verdict.NOTHING
    return Verdict.GAIN if (difference.mean > 0.0) == higher_is_better else Verdict.HARM
