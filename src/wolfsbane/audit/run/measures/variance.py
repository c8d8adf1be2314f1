"""The variance of a batch norm's inputs, as numbers that a run adds up."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST = 1e-30
"""A variance below is none: a ratio to it says nothing."""


@dataclass
class Variance:
    """Variances of one layer's inputs, averaged over channels, summed over calls.

    Args:
        num_calls: how many inputs were added.
        total: sum of their variances.
        without_drop: sum of the variances that they had had without the dropout before them.
    """

    num_calls: int = 0
    total: float = 0.0
    without_drop: float = 0.0

    def add(self, values: "Tensor", rate: float = 0.0) -> None:
        """Add an input `(N, C, *)` that dropout of this rate was applied to.

        Dropout keeps E[x] and makes E[x²] / (1 - p) of E[x²], in expectation over its masks, which
        gives the variance without it: (1 - p) E[y²] - E[y]².
        """
        values = values.detach().double()
        others = [dim for dim in range(values.dim()) if dim != 1]
        mean, square = values.mean(others), values.square().mean(others)
        self.num_calls += 1
        self.total += float((square - mean.square()).mean())
        self.without_drop += float(((1 - rate) * square - mean.square()).mean())

    @property
    def ratio_without_drop(self) -> float:
        """How many times the variance is what it would be without the dropout."""
        return self.total / max(self.without_drop, SMALLEST)

    def ratio_to(self, other: "Variance") -> float:
        """How many times this one's average is another's."""
        average = other.total / max(other.num_calls, 1)
        return self.total / max(self.num_calls, 1) / max(average, SMALLEST)
