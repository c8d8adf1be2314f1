"""What interleaved samples say: medians, and the ratio of two sides with its spread."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

WIDE_SPREAD = 0.5
"""Quartiles of a ratio further apart than this share of its median are called wide.

On a quiet machine they are 2 to 20% apart; another process on the same cores makes it 50 and more.
"""

LEAST_SAMPLES = 2
"""Fewer have no quartiles."""


@dataclass(frozen=True)
class Ratio:
    """Median and quartiles of a ratio that was taken round by round."""

    median: float
    low: float
    high: float

    @property
    def is_wide(self) -> bool:
        """Tell whether the rounds disagree too much to be believed."""
        return self.high - self.low > WIDE_SPREAD * self.median


def median_and_quartiles(values: Sequence[float]) -> Ratio:
    """Return median and quartiles; of a single value, three times that value."""
    if len(values) < LEAST_SAMPLES:
        (value,) = values
        return Ratio(value, value, value)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Ratio(median, low, high)


def ratio_of(numerator: Sequence[float], denominator: Sequence[float]) -> Ratio:
    """Return the ratio of samples taken in the same rounds.

    It is taken in each round and then summarised, so that a change of the machine's speed, which
    meets both sides of a round, does not show.

    Args:
        numerator: one sample a round.
        denominator: as many, of the same rounds.

    Examples:
        >>> ratio_of([2.0, 4.0, 30.0], [1.0, 2.0, 10.0])
        Ratio(median=2.0, low=2.0, high=2.5)
    """
    return median_and_quartiles([a / b for a, b in zip(numerator, denominator, strict=True)])
