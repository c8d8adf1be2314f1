"""What is believed of a process before its first training: draws of its hyperparameters."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wolfsbane.tuning.space import Choice, Rate, Space

Array = npt.NDArray[np.float64]

NUM_DRAWS = 512
"""A power of two, as Sobol's sequence wants it."""


class LogNormal(NamedTuple):
    """The belief about a positive number: its median, and the deviation of its logarithm."""

    median: float
    deviation: float


# Fitted by maximum likelihood to the grids of benchmarks/tuning, 10 rates by 8 seeds on each of 14
# problems: medians over the problems and deviations of the logarithms, for NLL and for accuracy.
# The beliefs lie between both and are as wide. They matter little: with a length of 1 to 2.2, a
# bend of 0.2 and a noise of 0.05 to 0.2, trainings of other seeds are as likely to within 0.04
# nats. Three other problems are in docs/tuning-benchmark.md.

LENGTH = LogNormal(1.5, 0.55)
"""How far rates are alike, in units of -log(1 - p). Fitted: 1.5 and 0.5 (NLL), 0.9 and 0.6."""

SEED = LogNormal(0.3, 1.0)
"""What all trainings of a seed share, as a share of the curve's deviation. Fitted: 0.01 and 1.9,
0.2 and 2.9: seeds mostly bend the curve, where each has training examples of its own. The belief
is higher since not every loop of a user's splits the data by seed."""

SEED_SHAPE = LogNormal(0.35, 0.9)
"""By how much a seed bends the curve. Fitted: 0.23 and 0.8, 0.6 and 1.3."""

NOISE = LogNormal(0.1, 1.1)
"""What nothing explains. Fitted: 0.05 and 0.7, 0.3 and 1.2."""

OPTION_LENGTH = LogNormal(2.0, 0.5)
"""Between two options. Not fitted, an assumption: curves of two options correlate by 0.7."""


@dataclass(frozen=True)
class Draws:
    """Hyperparameters of processes, one each; deviations are shares of the curve's own.

    Attributes:
        length: (draws, columns) over which each column of the encoded configurations is alike.
        seed: (draws,) deviation of what all trainings of a seed share.
        shape: (draws,) deviation of how a seed bends the curve.
        noise: (draws,) deviation of a training that nothing explains.
    """

    length: Array
    seed: Array
    shape: Array
    noise: Array

    def __getitem__(self, index: npt.NDArray[np.intp] | slice) -> "Draws":
        return Draws(self.length[index], self.seed[index], self.shape[index], self.noise[index])


def draw(space: Space) -> Draws:
    """Return hyperparameters that are spread evenly over what is believed (Sobol)."""
    columns = [len(of.options) if isinstance(of, Choice) else 1 for _, of in space.dimensions]
    lengths = [LENGTH if isinstance(of, Rate) else OPTION_LENGTH for _, of in space.dimensions]
    values = _spread((SEED, SEED_SHAPE, NOISE, *lengths))
    return Draws(np.repeat(values[:, 3:], columns, axis=1), *values[:, :3].T)


@lru_cache(maxsize=8)
def _spread(beliefs: tuple[LogNormal, ...]) -> Array:
    from scipy.special import ndtri  # noqa: PLC0415  # half a second of import
    from scipy.stats import qmc  # noqa: PLC0415  # as above

    shares = qmc.Sobol(len(beliefs), scramble=False).random(NUM_DRAWS)
    normal = ndtri(shares + 0.5 / NUM_DRAWS)  # The sequence starts with 0.
    medians, deviations = np.asarray(beliefs).T
    return np.asarray(medians * np.exp(deviations * normal))
