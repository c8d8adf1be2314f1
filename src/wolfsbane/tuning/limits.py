"""How much of a search is done, and what may be asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wolfsbane.arguments import check_count
from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.experiment.measures import SCORES
from wolfsbane.tuning.objective import Objective

DEFAULT_BUDGET = 24
"""Eleven to choose, one for complexity, six pairs."""

COMPLEXITY_BUDGET = 14
"""What the learning curve adds to it."""

SHARE_PRECISION = 0.01
"""One point of accuracy: about what papers call a gain, and what 10,000 test examples can show."""

RELATIVE_PRECISION = 0.05
"""Of the baseline's value. On five data sets the best rate lowered the test NLL of a 2 x 256 MLP by
4% (300 digits), 16% to 27% (MNIST; wrong labels) and 54% (spam): less than the least of these is
not worth trainings."""

SHARES = frozenset(measure.name for measure in SCORES if measure.is_share)


@dataclass(frozen=True)
class Limits:
    """How much is done. No part of the configuration's hash: a search may go on with more.

    Attributes:
        budget: trainings at most, of all purposes, those of earlier calls among them.
        precision: half the width of the gain's interval that is narrow enough, in the objective's
            unit. Default: 5% of the baseline's validation NLL; for accuracy and other shares
            0.01, one point; for a metric of the user's 5% of the baseline's absolute value.
        batch: trainings asked for at once; the same for one process as for that many.
        complexity: whether the learning curve over training-set size is wanted, and what is
            memorised at the chosen configuration.
    """

    budget: int = DEFAULT_BUDGET
    precision: float | None = None
    batch: int = 4
    complexity: bool = False

    def __post_init__(self) -> None:
        for name, value in (("budget", self.budget), ("batch", self.batch)):
            check_count(name, value)
        if self.precision is not None:
            _check_precision(self.precision)


def default_budget(*, complexity: bool) -> int:
    """Return the trainings of a search that was given no budget."""
    return DEFAULT_BUDGET + COMPLEXITY_BUDGET if complexity else DEFAULT_BUDGET


def _check_precision(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ArgumentTypeError(f"precision has to be a number above 0, but got {value!r}")
    if not 0.0 < value < float("inf"):
        raise ArgumentError(
            "precision has to be a number above 0, half the width of the interval that is wanted "
            f"in the objective's unit, but got {value}"
        )


def default_precision(objective: Objective, baseline: Sequence[float]) -> float:
    """Return the precision of a search that was given none.

    Args:
        objective: what is selected by.
        baseline: its validation values of the baseline's trainings.
    """
    if objective.name in SHARES:
        return SHARE_PRECISION
    return RELATIVE_PRECISION * abs(float(np.mean(baseline)))
