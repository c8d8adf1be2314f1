"""What is known of every candidate on the process's own scale, and what would tell more."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from wolfsbane.errors import ArgumentError
from wolfsbane.tuning.surrogate.gradient import knowledge_gradient
from wolfsbane.tuning.surrogate.kernel import ANY_SEED, Points, matern
from wolfsbane.tuning.surrogate.process import Process
from wolfsbane.tuning.surrogate.unit import Unit

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NUM_DRAWN = 2048
"""Curves whose mean regret is taken: it errs by 2% of their regrets' deviation."""


@dataclass(frozen=True, eq=False)
class Belief:
    """The process at the candidates, in place of their means over seeds.

    Attributes:
        unit: between the objective's values and the process's.
        process: given all trainings.
        at: (candidates, columns) where they are.
        is_allowed: (candidates,) which of them may be chosen.
    """

    unit: Unit
    process: Process
    at: Array
    is_allowed: Mask

    @cached_property
    def mean(self) -> Array:
        """(candidates,) over seeds, and over all that is not known of the process."""
        return self.process.mean(self._under(ANY_SEED))

    @cached_property
    def covariance(self) -> Array:
        """(candidates, candidates)."""
        everywhere = self._under(ANY_SEED)
        return self.process.covariance(everywhere, everywhere)

    @property
    def deviation(self) -> Array:
        """(candidates,)."""
        return np.asarray(np.sqrt(np.maximum(np.diagonal(self.covariance), 0.0)))

    @cached_property
    def best(self) -> int:
        """The candidate with the lowest mean, of those that may be chosen; the first of equals."""
        return int(np.argmin(np.where(self.is_allowed, self.mean, np.inf)))

    def deviation_to_best(self) -> Array:
        """Return (candidates,) the deviation of each one's difference to the best."""
        own, to_best = np.diagonal(self.covariance), self.covariance[self.best]
        return np.asarray(np.sqrt(np.maximum(own + own[self.best] - 2.0 * to_best, 0.0)))

    def expected_regret(self) -> float:
        """Return the mean of best minus lowest over curves that are possible, in the unit."""
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        normal = np.random.default_rng(0).standard_normal((NUM_DRAWN, len(values)))
        curves = self.unit.restore(self.mean + normal @ root.T)
        return float(np.mean(curves[:, self.best] - curves[:, self.is_allowed].min(axis=1)))

    def pair_variance(self, first: int, second: int) -> float:
        """Return the variance of two candidates' difference under one seed, in the unit."""
        draws, process = self.process.draws, self.process
        alike = matern(self.at[[first]], self.at[[second]], draws.length)[:, 0, 0]
        one, other = self.unit.slope(self.mean[[first, second]])
        shift = np.square(draws.seed) * (one - other) ** 2
        bend = np.square(draws.shape) * (one**2 + other**2 - 2.0 * alike * one * other)
        noise = np.square(draws.noise) * (one**2 + other**2)
        return float((process.weights * process.scales) @ (shift + bend + noise))

    def most_telling(
        self, seeds: Sequence[int], trained: Collection[tuple[int, int]]
    ) -> tuple[int, int]:
        """Return the candidate and the seed after which the lowest mean is expected.

        Args:
            seeds: that may be used.
            trained: pairs of candidate and seed that are trained, or running: to train one again
                would give the same.

        Raises:
            ArgumentError: all pairs are.
        """
        gains = [self._gains(seed, trained) for seed in seeds]
        # Where nothing is expected to change the choice, what is least known is trained.
        if max((of_seed.max() for of_seed, _ in gains), default=0.0) <= 0.0:
            gains = [(spreads, spreads) for _, spreads in gains]
        best = [of_seed.max() for of_seed, _ in gains]
        if max(best, default=-np.inf) == -np.inf:
            raise ArgumentError(
                f"every candidate is trained under each of the seeds {list(seeds)}. Give a new seed"
            )
        index = int(np.argmax(best))
        return int(np.argmax(gains[index][0])), seeds[index]

    def _gains(self, seed: int, trained: Collection[tuple[int, int]]) -> tuple[Array, Array]:
        """Return (candidates,) what each tells under a seed: of the best, and of all others."""
        here = self._under(seed)
        with_outcome = self.process.covariance(self._under(ANY_SEED), here)
        variances = self.process.outcome_variance(here)
        gains = self._gradient(with_outcome, variances)
        if not self.process.knows(seed):
            gains = np.maximum(gains, self._of_comparisons(seed, with_outcome, variances) / 2)
        spreads = np.square(with_outcome - with_outcome[self.best]).sum(axis=0) / variances
        is_trained = np.array([(index, seed) in trained for index in range(len(self.at))])
        return np.where(is_trained, -np.inf, gains), np.where(is_trained, -np.inf, spreads)

    def _of_comparisons(self, seed: int, with_outcome: Array, variances: Array) -> Array:
        """Return (candidates,) what each would tell if the best one were trained too.

        Under a seed that nothing was trained under, one training tells little: the seed's effect
        is not known. Looked at one by one they would never be made, however often the seeds that
        are there may have bent the curve.
        """
        here = self._under(seed)
        best = Points(here.at[[self.best]], here.seeds[:1])
        shared = self.process.covariance(here, best)[:, 0]
        variance = variances + variances[self.best] - 2.0 * shared
        variance[self.best] = np.inf
        return self._gradient(with_outcome - with_outcome[:, [self.best]], variance)

    def _gradient(self, with_outcome: Array, variances: Array) -> Array:
        sensitivity = with_outcome / np.sqrt(variances)
        slope = self.unit.slope(self.mean)[:, None]
        allowed = self.is_allowed
        return knowledge_gradient(
            self.unit.restore(self.mean)[allowed], (slope * sensitivity)[allowed]
        )

    def _under(self, seed: int) -> Points:
        return Points(self.at, np.full(len(self.at), seed))
