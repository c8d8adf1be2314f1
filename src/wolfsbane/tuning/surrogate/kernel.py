"""Covariances of trainings: near configurations are alike, and so are those of one seed.

A training of configuration c under seed s gives $y = m + f(c) + b_s + g_s(c) + e$: a level, a curve
that is searched for, a shift and a bend of the curve by the seed, and noise. The curve has variance
1 here; a process scales all of it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wolfsbane.tuning.space import Choice, Configuration, Rate, Space
from wolfsbane.tuning.surrogate.prior import Draws

Array = npt.NDArray[np.float64]
Seeds = npt.NDArray[np.int64]

LEVEL = 3.0
"""Deviation of the level, which the data's mean is subtracted from before: as good as unknown."""

ANY_SEED = -1
"""In place of a seed: the mean over all seeds, of which each shifts and bends it."""

LARGEST_RATE = 0.99
"""Beyond it rates are alike: -log(1 - p) has no end."""


class Points(NamedTuple):
    """Encoded configurations (N, columns) and seeds (N,): where a process has values."""

    at: Array
    seeds: Seeds


def encode(space: Space, configurations: Sequence[Configuration]) -> Array:
    """Return points (N, columns) where a step means as much at every rate: -log(1 - p) for p.

    From 0.8 to 0.9 it is as far as from 0 to 0.5: half of what is left is dropped. Neither p nor
    its square, its odds, their root or the arcsine of its root makes the trainings of the 14
    problems of benchmarks/tuning as likely.
    """
    widths = [len(of.options) if isinstance(of, Choice) else 1 for _, of in space.dimensions]
    are_rates = np.repeat([isinstance(of, Rate) for _, of in space.dimensions], widths)
    points = space.encode(configurations).reshape(len(configurations), len(are_rates))
    points[:, are_rates] = -np.log1p(-np.minimum(points[:, are_rates], LARGEST_RATE))
    return points


def matern(first: Array, second: Array, length: Array) -> Array:
    """Return (draws, first, second): Matern's correlation of smoothness 5/2.

    Where a column is one of a choice's, it is 1 for equal options and the same for all others.

    References:
        Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, equation 4.17.
    """
    between = np.square(first[:, None] - second)
    distance = np.sqrt(np.tensordot(5.0 / np.square(length), between, axes=(1, 2)))
    return np.asarray((1.0 + distance + np.square(distance) / 3.0) * np.exp(-distance))


def covariance(first: Points, second: Points, draws: Draws) -> Array:
    """Return (draws, first, second): covariances of trainings without their noise."""
    curve = matern(first.at, second.at, draws.length)
    is_same = (first.seeds[:, None] == second.seeds) & (second.seeds != ANY_SEED)
    shift, bend = np.square(draws.seed), np.square(draws.shape)
    of_seed = shift[:, None, None] + bend[:, None, None] * curve
    return np.asarray(LEVEL**2 + curve + is_same * of_seed)


def variance(draws: Draws) -> Array:
    """Return (draws,): the variance of a training with its noise."""
    return np.asarray(
        LEVEL**2 + 1.0 + np.square(draws.seed) + np.square(draws.shape) + np.square(draws.noise)
    )
