"""The scale on which differences are alike: logarithms of what is positive, else as given."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SHIFT = 0.02
LEAST_SPREAD = 1e-9


@dataclass(frozen=True)
class Unit:
    """A monotone map between an objective's values and standardised ones."""

    is_log: bool
    magnitude: float
    centre: float
    spread: float

    def standardise(self, values: Array) -> Array:
        """Return values of the objective on the process's scale."""
        scaled = values / self.magnitude
        if self.is_log:
            scaled = np.log(scaled + SHIFT)
        return np.asarray((scaled - self.centre) / self.spread, dtype=np.float64)

    def restore(self, standard: Array) -> Array:
        """Return values on the process's scale in the objective's own unit."""
        scaled = standard * self.spread + self.centre
        if self.is_log:
            scaled = np.exp(np.minimum(scaled, 600.0)) - SHIFT
        return np.asarray(scaled * self.magnitude, dtype=np.float64)

    def slope(self, standard: Array) -> Array:
        """Return by how much the objective changes with the process's scale."""
        slope = np.full_like(standard, self.spread * self.magnitude)
        if self.is_log:
            slope *= np.exp(np.minimum(standard * self.spread + self.centre, 600.0))
        return slope


def unit_of(values: Sequence[float]) -> Unit:
    """Return the unit in which these values have mean 0 and deviation 1."""
    found = np.asarray(values, dtype=np.float64)
    is_log = bool((found >= 0.0).all() and (found > 0.0).any())
    magnitude = float(np.median(found)) if is_log else 0.0
    magnitude = magnitude or float(np.abs(found).max(initial=0.0)) or 1.0
    plain = Unit(is_log, magnitude, 0.0, 1.0).standardise(found)
    if not len(found):
        return Unit(is_log, magnitude, 0.0, 1.0)
    return Unit(is_log, magnitude, float(plain.mean()), max(float(plain.std()), LEAST_SPREAD))
