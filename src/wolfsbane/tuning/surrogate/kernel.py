"""Covariances of trainings: near configurations are alike, and so are those of one seed."""

import numpy as np
import numpy.typing as npt

from wolfsbane.tuning.surrogate.prior import Draws

Array = npt.NDArray[np.float64]
Seeds = npt.NDArray[np.int64]

ANY = -1
"""In place of a seed: the mean over seeds."""


def matern(first: Array, second: Array, length: Array) -> Array:
    """Return (draws, first, second): Matern's correlation with smoothness 5/2."""
    scaled = first[None] / length[:, None], second[None] / length[:, None]
    squares = sum(
        np.square(scaled[0][:, :, None, column] - scaled[1][:, None, :, column])
        for column in range(first.shape[1])
    )
    distance = np.sqrt(5.0 * squares)
    return np.asarray((1.0 + distance + distance**2 / 3.0) * np.exp(-distance))


def same(first: Seeds, second: Seeds) -> Array:
    """Return (first, second): 1 where both are the same seed."""
    return np.asarray((first[:, None] == second) & (second != ANY), dtype=np.float64)


def covariance(
    first: tuple[Array, Seeds], second: tuple[Array, Seeds], draws: Draws, level: float
) -> Array:
    """Return (draws, first, second): the covariance of trainings without their noise."""
    curve = matern(first[0], second[0], draws.length)
    shared = same(first[1], second[1])
    of_seed = np.square(draws.seed)[:, None, None] + np.square(draws.shape)[:, None, None] * curve
    return level**2 + curve + shared * of_seed
