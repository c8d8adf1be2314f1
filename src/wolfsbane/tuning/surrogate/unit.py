"""The scale on which a process sees an objective: logarithmic where it is never negative."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LARGEST_RATIO = 20.0
"""To the second best of four: what is worse than that is bad, and no matter how bad."""

LARGEST_DISTANCE = 100.0
"""The same where an objective may be negative, in distances of the lower median from the best."""

LARGEST = 1e100
"""Of an objective's values: squares of them are numbers still."""

LEAST_SPREAD = 1e-9
"""Relative: values that differ by less are equal."""


@dataclass(frozen=True)
class Unit:
    r"""A monotone map between an objective's values and those of a process, and back.

    $t(y) = (h(y / m) - c) / s$, where $h$ is $\log(1 + x)$ if no value is negative, else $x$.
    Between small values of NLL it is the difference that counts, between large ones the ratio.
    On the 14 problems of benchmarks/tuning, trainings of other seeds are 0.1 nats likelier than
    without a logarithm. With a plain one, which sees nothing but ratios, they are likelier still by
    0.05, but the rates chosen are worse.

    Attributes:
        is_log: which of the two.
        magnitude: m, in the objective's unit.
        worst: where values are cut off, in magnitudes.
        centre: c.
        spread: s.
    """

    is_log: bool
    magnitude: float
    worst: float
    centre: float = 0.0
    spread: float = 1.0

    def standardise(self, values: Array) -> Array:
        """Return values of the objective on the process's scale; all are finite."""
        finite = np.clip(np.nan_to_num(values, nan=LARGEST), -LARGEST, LARGEST)
        scaled = np.minimum(finite / self.magnitude, self.worst)
        bent = np.log1p(scaled) if self.is_log else scaled
        return np.asarray((bent - self.centre) / self.spread)

    def restore(self, standard: Array) -> Array:
        """Return values on the process's scale in the objective's own unit."""
        bent = self._bent(standard)
        return np.asarray((np.expm1(bent) if self.is_log else bent) * self.magnitude)

    def slope(self, standard: Array) -> Array:
        """Return by how much the objective changes where the process changes by 1."""
        bent = self._bent(standard)
        steepness = np.exp(bent) if self.is_log else np.ones_like(bent)
        return np.asarray(steepness * self.spread * self.magnitude)

    def _bent(self, standard: Array) -> Array:
        bent = standard * self.spread + self.centre
        return np.clip(bent, 0.0, np.log1p(self.worst)) if self.is_log else bent


def unit_of(values: Array) -> Unit:
    """Return the unit in which these values have mean 0 and deviation 1."""
    finite = np.clip(values[np.isfinite(values)], -LARGEST, LARGEST)
    plain = _plain(sorted(finite.tolist()))
    if not len(values):
        return plain
    bent = plain.standardise(values)
    # A single training tells nothing of how much they differ.
    spread = max(float(bent.std()), LEAST_SPREAD) if len(values) > 1 else 1.0
    return Unit(plain.is_log, plain.magnitude, plain.worst, float(bent.mean()), spread)


def _plain(ordered: Sequence[float]) -> Unit:
    """Return the unit before it is centred."""
    if not ordered:
        return Unit(is_log=False, magnitude=1.0, worst=1.0)
    best, middle, most = ordered[0], ordered[(len(ordered) - 1) // 2], max(map(abs, ordered))
    if best >= 0.0 and most > 0.0:
        return Unit(is_log=True, magnitude=middle or most, worst=LARGEST_RATIO)
    magnitude = most or 1.0
    worst = (middle + LARGEST_DISTANCE * (middle - best)) / magnitude
    return Unit(is_log=False, magnitude=magnitude, worst=worst if middle > best else 1.0)
