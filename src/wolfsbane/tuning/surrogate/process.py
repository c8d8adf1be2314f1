r"""Gaussian processes given what was observed, averaged over their hyperparameters.

A maximum of the likelihood would say nothing of how uncertain length and noise are, which after 4
to 12 trainings they are, and may lie at noise 0. Here every draw of the prior is weighted by its
likelihood instead, with the scale $\sigma^2$ of all variances integrated out in closed form (inverse
gamma): there is nothing to optimise, to start, or to fail.

References:
    Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, chapter 2 and section 5.2.
    O'Hagan and Forster 2004, Bayesian Inference, section 11.3: the integral over the scale.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wolfsbane.tuning.surrogate.kernel import Points, covariance, variance
from wolfsbane.tuning.surrogate.prior import Draws

Array = npt.NDArray[np.float64]

SHAPE = 1.5
"""Of the scale's inverse gamma: the heaviest tail of half integers that has a mean."""

RATE = 2.5
"""Of the same: a curve's variance is then about that of the data (mode 1, for which the fits of
`wolfsbane.tuning.surrogate.prior` have a median of 1.4)."""

LEAST_NOISE = 1e-3
"""As a share of the curve's deviation: trainings agree no better, and matrices stay regular."""

KEPT_WEIGHT = 0.99
"""Of all draws' together: the least likely ones cost as much as the others."""

MOST_KEPT = 32
"""Draws at most."""


class _Member(NamedTuple):
    """One process of the mixture."""

    draws: Draws
    weight: float
    scale: float
    whitener: Array
    """Inverse of the Cholesky factor of the finished points' covariance."""


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
        for one in self._members():
            seen = one.whitener @ covariance(self.finished, points, one.draws)[0]
            unseen = variance(one.draws) - np.square(seen).sum(axis=0)
            total += one.weight * one.scale * unseen
        narrowed = self._narrowing @ self._before(self.running, points)
        return np.asarray(total - np.square(narrowed).sum(axis=0))

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
        for one in self._members():
            seen_of_first = one.whitener @ covariance(self.finished, first, one.draws)[0]
            seen_of_second = one.whitener @ covariance(self.finished, second, one.draws)[0]
            unseen = covariance(first, second, one.draws)[0] - seen_of_first.T @ seen_of_second
            total += one.weight * one.scale * unseen
        return total

    def _means(self, points: Points) -> Array:
        cross = covariance(points, self.finished, self.draws)
        return np.asarray((cross @ self.coefficients[..., None])[..., 0])

    def _between(self, first: Array, second: Array) -> Array:
        """Return by what the members' means (draws, first) and (draws, second) disagree."""
        return np.asarray((self.weights * (first - self.weights @ first).T) @ second)

    def _members(self) -> Iterator[_Member]:
        numbers = zip(self.weights, self.scales, self.whiteners, strict=True)
        for index, (weight, scale, whitener) in enumerate(numbers):
            yield _Member(self.draws[np.array([index])], weight, scale, whitener)


def condition(draws: Draws, finished: Points, values: Array, running: Points) -> Process:
    """Return the process that has these values at the finished points.

    Args:
        draws: of the prior.
        finished: points with a value.
        values: of them; their mean is about 0, their deviation about 1.
        running: points that will have a value.
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
    kept = _likely(weights / weights.sum())
    return Process(
        draws[kept],
        weights[kept] / weights[kept].sum(),
        (RATE + squares[kept] / 2) / (SHAPE + number / 2 - 1),
        finished,
        np.einsum("dij,di->dj", whiteners[kept], scores[kept]),
        whiteners[kept],
        running,
    )


def _likely(weights: Array) -> npt.NDArray[np.intp]:
    """Return the indices of the likeliest draws, the first of equals first."""
    order = np.argsort(-weights, kind="stable")
    number = int(np.searchsorted(np.cumsum(weights[order]), KEPT_WEIGHT)) + 1
    return order[: min(number, MOST_KEPT)]
