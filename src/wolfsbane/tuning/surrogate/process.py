r"""Gaussian processes given what was observed, averaged over their hyperparameters.

A maximum of the likelihood would say nothing of how uncertain length and noise are, which after 4
to 12 trainings they are, and may lie at noise 0. Here every draw of the prior is weighted by its
likelihood instead, with the scale $\sigma^2$ of all variances integrated out in closed form
(inverse gamma): there is nothing to optimise, to start, or to fail.

References:
    Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, chapter 2 and section 5.2.
    O'Hagan and Forster 2004, Bayesian Inference, section 11.3: the integral over the scale.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from wolfsbane.tuning.surrogate.kernel import Points, covariance, variance
from wolfsbane.tuning.surrogate.prior import Draws

Array = npt.NDArray[np.float64]

SHAPE = 1.5
"""Of the scale's inverse gamma: the heaviest tail of half integers that has a mean."""

RATE = 2.5
"""Of the same: its mode is then the variance of the data. Held-out trainings are less likely by
0.08 nats with a rate of 0.5, and by 0.4 with a shape of 3.5 besides."""

LEAST_NOISE = 1e-3
"""As a share of the curve's deviation: trainings agree no better, and matrices stay regular."""

NUM_KEPT = 128
"""Draws that stand for all. After ten trainings a paired difference's deviation comes out 15% too
low by the likeliest 32 alone, by these it is right in the (geometric) mean."""

LARGEST_BLOCK = 2**21
"""Numbers of one array: 16 MiB. More draws than fit into that take their turn."""


@dataclass(frozen=True, eq=False)
class Process:
    """A mixture of Gaussian processes, as its first two moments.

    Attributes:
        draws: the hyperparameters that are likely.
        weights: (draws,) by likelihood; they add up to 1.
        scales: (draws,) of all variances.
        finished: points with a value.
        coefficients: (draws, finished) of the kernel in the means.
        whiteners: (draws, finished, finished).
        running: points that will have a value: it narrows the covariances and moves no mean.
    """

    draws: Draws
    weights: Array
    scales: Array
    finished: Points
    coefficients: Array
    whiteners: Array
    running: Points

    def mean(self, points: Points) -> Array:
        """Return (points,)."""
        return np.asarray(self.weights @ self._means(points))

    def covariance(self, first: Points, second: Points) -> Array:
        """Return (first, second): of trainings without their noise."""
        seen_of_first = self._narrowing @ self._before(self.running, first)
        seen_of_second = self._narrowing @ self._before(self.running, second)
        return np.asarray(self._before(first, second) - seen_of_first.T @ seen_of_second)

    def outcome_variance(self, points: Points) -> Array:
        """Return (points,): of trainings with their noise."""
        means = self._means(points)
        total = self.weights @ np.square(means - self.weights @ means)
        for block, draws, scales in self._blocks(len(self.finished.seeds) * len(points.seeds)):
            seen = self.whiteners[block] @ covariance(self.finished, points, draws)
            total += scales @ (variance(draws)[:, None] - np.square(seen).sum(axis=1))
        narrowed = self._narrowing @ self._before(self.running, points)
        return np.asarray(total - np.square(narrowed).sum(axis=0))

    def knows(self, seed: int) -> bool:
        """Whether a training of the seed is finished or running."""
        return seed in self.finished.seeds or seed in self.running.seeds

    @cached_property
    def _narrowing(self) -> Array:
        """(running, running): whitens the outcomes of what is running.

        They are taken from the moments of the whole mixture, not from each member's, so that they
        narrow what the members disagree about too.
        """
        gram = self._before(self.running, self.running)
        own = self.weights * self.scales @ (np.square(self.draws.noise) + LEAST_NOISE**2)
        return np.asarray(np.linalg.inv(np.linalg.cholesky(gram + own * np.eye(len(gram)))))

    def _before(self, first: Points, second: Points) -> Array:
        """Return (first, second): the covariance given what is finished."""
        total = self._between(self._means(first), self._means(second))
        for block, draws, scales in self._blocks(len(first.seeds) * len(second.seeds)):
            seen_of_first = self.whiteners[block] @ covariance(self.finished, first, draws)
            seen_of_second = self.whiteners[block] @ covariance(self.finished, second, draws)
            seen = np.swapaxes(seen_of_first, 1, 2) @ seen_of_second
            total += np.tensordot(scales, covariance(first, second, draws) - seen, axes=1)
        return total

    def _means(self, points: Points) -> Array:
        cross = covariance(points, self.finished, self.draws)
        return np.asarray((cross @ self.coefficients[..., None])[..., 0])

    def _between(self, first: Array, second: Array) -> Array:
        """Return by what the members' means (draws, first) and (draws, second) disagree."""
        return np.asarray((self.weights * (first - self.weights @ first).T) @ second)

    def _blocks(self, size: int) -> Iterator[tuple[slice, Draws, Array]]:
        """Yield draws that are looked at together, and by how much their variances count."""
        number = max(1, LARGEST_BLOCK // max(1, size))
        for start in range(0, len(self.weights), number):
            block = slice(start, start + number)
            yield block, self.draws[block], self.weights[block] * self.scales[block]


def condition(
    draws: Draws,
    finished: Points,
    values: Array,
    running: Points,
    num_kept: int = NUM_KEPT,
) -> Process:
    """Return the process that has these values at the finished points.

    Args:
        draws: of the prior.
        finished: points with a value.
        values: of them; their mean is about 0, their deviation about 1.
        running: points that will have a value.
        num_kept: draws at most that stand for all.
    """
    number = len(values)
    noise = np.square(draws.noise) + LEAST_NOISE**2
    gram = covariance(finished, finished, draws) + noise[:, None, None] * np.eye(number)
    whiteners = np.linalg.inv(np.linalg.cholesky(gram))
    scores = whiteners @ values
    squares = np.square(scores).sum(axis=1)
    log_roots = np.log(np.diagonal(whiteners, axis1=1, axis2=2)).sum(axis=1)
    likelihood = log_roots - (SHAPE + number / 2) * np.log(RATE + squares / 2)
    weights = np.exp(likelihood - likelihood.max())
    kept, counts = _representatives(weights / weights.sum(), num_kept)
    return Process(
        draws[kept],
        counts / counts.sum(),
        (RATE + squares[kept] / 2) / (SHAPE + number / 2 - 1),
        finished,
        np.einsum("dij,di->dj", whiteners[kept], scores[kept]),
        whiteners[kept],
        running,
    )


def _representatives(
    weights: Array, number: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return indices of a few draws that stand for all, and how often each was met.

    They lie at even steps of the summed weights (systematic resampling).

    References:
        Kitagawa 1996, doi:10.1080/10618600.1996.10474692.
    """
    steps = (np.arange(number) + 0.5) / number
    found = np.searchsorted(np.cumsum(weights), steps)
    return np.unique(np.minimum(found, len(weights) - 1), return_counts=True)
