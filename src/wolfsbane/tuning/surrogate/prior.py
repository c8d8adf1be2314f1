"""What is believed of a process before its first training: draws of its hyperparameters."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

NUM_DRAWS = 512


class LogNormal(NamedTuple):
    """A positive number: the median, and the deviation of its natural logarithm."""

    median: float
    deviation: float


LENGTH = LogNormal(1.5, 0.55)
OPTION_LENGTH = LogNormal(2.0, 0.5)
SEED = LogNormal(0.1, 1.5)
SEED_SHAPE = LogNormal(0.35, 1.1)
NOISE = LogNormal(0.1, 1.1)


@dataclass(frozen=True)
class Draws:
    """Hyperparameters of processes, one a row; deviations as shares of the curve's own.

    Attributes:
        length: (draws, columns) of each column of the encoded configurations.
        seed: (draws,) deviation of what all trainings of a seed share.
        shape: (draws,) deviation of how a seed bends the curve.
        noise: (draws,) deviation of a training that nothing explains.
    """

    length: Array
    seed: Array
    shape: Array
    noise: Array

    def __getitem__(self, index: npt.NDArray[np.intp]) -> "Draws":
        return Draws(self.length[index], self.seed[index], self.shape[index], self.noise[index])


def draw(groups: tuple[int, ...], is_rate: tuple[bool, ...], number: int = NUM_DRAWS) -> Draws:
    """Spread draws evenly over the prior (Sobol)."""
    from scipy.stats import norm, qmc  # noqa: PLC0415  # half a second of import

    shares = qmc.Sobol(3 + len(groups), rng=0).random(number)
    normal = norm.ppf(np.clip(shares, 1e-6, 1 - 1e-6))
    priors = [SEED, SEED_SHAPE, NOISE, *(LENGTH if one else OPTION_LENGTH for one in is_rate)]
    values = np.stack(
        [p.median * np.exp(p.deviation * z) for p, z in zip(priors, normal.T, strict=True)], axis=1
    )
    return Draws(np.repeat(values[:, 3:], groups, axis=1), *values[:, :3].T)
