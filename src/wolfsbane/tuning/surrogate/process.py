"""Gaussian processes given what was observed: one for each draw of the hyperparameters."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wolfsbane.tuning.surrogate.kernel import Seeds, covariance
from wolfsbane.tuning.surrogate.prior import Draws

Array = npt.NDArray[np.float64]
Points = tuple[Array, Seeds]

LEVEL = 10.0
SHAPE = 1.5
RATE = 1.5
JITTER = 1e-9
KEPT = 0.99
MOST_KEPT = 48


@dataclass(frozen=True)
class Process:
    draws: Draws
    weights: Array
    scale: Array  # variance of curve
    points: Points
    factor: Array  # cholesky of all points (finished first)
    coefficients: Array  # (draws, finished)
    num_finished: int

    def mean(self, at: Points) -> Array:
        """(draws, at)."""
        known = self.points[0][: self.num_finished], self.points[1][: self.num_finished]
        cross = covariance(at, known, self.draws, LEVEL)
        return np.asarray(np.einsum("dij,dj->di", cross, self.coefficients))

    def cross(self, first: Points, second: Points) -> Array:
        """(first, second) covariance, mixture total."""
        total = 0.0
        for index in range(len(self.weights)):
            one = self.draws[np.array([index])]
            prior = covariance(first, second, one, LEVEL)[0]
            a = np.linalg.solve(self.factor[index], covariance(self.points, first, one, LEVEL)[0])
            b = a if second is first else np.linalg.solve(
                self.factor[index], covariance(self.points, second, one, LEVEL)[0])
            total = total + self.weights[index] * self.scale[index] * (prior - a.T @ b)
        m1 = self.mean(first)
        m2 = m1 if second is first else self.mean(second)
        m1 = m1 - self.weights @ m1
        m2 = m2 - self.weights @ m2
        return total + np.einsum("d,di,dj->ij", self.weights, m1, m2)

    def variance(self, at: Points) -> Array:
        """Variance of observations (with noise), with all."""
        total = np.zeros(len(at[1]))
        for index in range(len(self.weights)):
            one = self.draws[np.array([index])]
            prior = LEVEL**2 + 1 + one.seed[0]**2 + one.shape[0]**2 + one.noise[0]**2
            a = np.linalg.solve(self.factor[index], covariance(self.points, at, one, LEVEL)[0])
            total += self.weights[index] * self.scale[index] * (prior - np.square(a).sum(0))
        m = self.mean(at)
        return total + self.weights @ np.square(m - self.weights @ m)


def condition(draws: Draws, points: Points, values: Array) -> Process:
    n = len(values)
    known = points[0][:n], points[1][:n]
    gram = covariance(known, known, draws, LEVEL)
    eye = np.eye(n)
    gram = gram + (np.square(draws.noise)[:, None, None] + JITTER) * eye
    factor = np.linalg.cholesky(gram)
    half = np.linalg.solve(factor, np.broadcast_to(values[:, None], (len(factor), n, 1)))[..., 0]
    square = np.square(half).sum(1)
    logdet = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(1)
    log = -logdet - (SHAPE + n / 2) * np.log(RATE + square / 2)
    w = np.exp(log - log.max()); w /= w.sum()
    order = np.argsort(-w, kind="stable")
    count = min(int(np.searchsorted(np.cumsum(w[order]), KEPT)) + 1, MOST_KEPT)
    keep = order[:count]
    draws = draws[keep]
    scale = (RATE + square[keep] / 2) / (SHAPE + n / 2 - 1)
    coef = np.linalg.solve(np.swapaxes(factor[keep], 1, 2), half[keep][..., None])[..., 0]
    m = len(points[1])
    full = covariance(points, points, draws, LEVEL) + (np.square(draws.noise)[:, None, None] + JITTER) * np.eye(m)
    return Process(draws, w[keep] / w[keep].sum(), scale, points, np.linalg.cholesky(full), coef, n)
