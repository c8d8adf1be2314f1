"""What the trainings tell of every configuration, with the seeds' effects taken out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from wolfsbane.tuning.space import Configuration, Space
from wolfsbane.tuning.surrogate.belief import Belief
from wolfsbane.tuning.surrogate.kernel import Points, encode
from wolfsbane.tuning.surrogate.prior import draw
from wolfsbane.tuning.surrogate.process import NUM_KEPT, condition
from wolfsbane.tuning.surrogate.unit import unit_of

Array = npt.NDArray[np.float64]

LARGEST_COVARIANCES = 2**23
"""Numbers in the covariances of all draws: a second of work. The largest spaces have 32 draws."""


@dataclass(frozen=True)
class Observation:
    """The objective of one training; `value` None while it runs. Lower is better here."""

    configuration: Configuration
    seed: int
    value: float | None


@dataclass(frozen=True, eq=False)
class Posterior:
    """What is known of every candidate's mean over seeds.

    Attributes:
        candidates: of the space, the baseline first.
        observations: it follows from, in their order.
        belief: the same on the scale on which the process is normal.
    """

    candidates: tuple[Configuration, ...]
    observations: tuple[Observation, ...]
    belief: Belief

    @cached_property
    def mean(self) -> Array:
        """(candidates,) of the objective, lower is better, in its own unit.

        Where the unit bends, it is the value of the process's mean: a training as good as the
        middle one of many seeds.
        """
        return self.belief.unit.restore(self.belief.mean)

    @cached_property
    def covariance(self) -> Array:
        """(candidates, candidates), where the unit bends to first order."""
        slope = self.belief.unit.slope(self.belief.mean)
        return np.asarray(self.belief.covariance * slope[:, None] * slope)

    @cached_property
    def pair_deviation(self) -> float:
        """The standard deviation of one paired difference between baseline and best.

        Both are trained under the same seed: what decides how many pairs a proof needs. Where the
        baseline is the best, the candidate stands for it that differs most.
        """
        others = [self.belief.best] if self.belief.best else range(len(self.candidates))
        return math.sqrt(max(self.belief.pair_variance(0, other) for other in others))

    @property
    def best(self) -> Configuration:
        """The candidate with the lowest mean, of those that the space allows."""
        return self.candidates[self.belief.best]

    @cached_property
    def expected_regret(self) -> float:
        """How much worse than the unknown optimum the best candidate is expected to be."""
        return self.belief.expected_regret()

    def as_good(self, confidence: float = 0.95) -> tuple[Configuration, ...]:
        """Return the allowed candidates that nothing shows to be worse than the best.

        One is shown to be worse where it is with a probability above `confidence`: with 0.95, the
        list holds the unknown optimum in about 95 of 100 searches.
        """
        from scipy.special import ndtri  # noqa: PLC0415  # half a second of import

        belief = self.belief
        reach = ndtri(confidence) * belief.deviation_to_best()
        is_good = belief.is_allowed & (belief.mean - belief.mean[belief.best] <= reach)
        return tuple(one for one, good in zip(self.candidates, is_good, strict=True) if good)

    def band(self, confidence: float = 0.95) -> tuple[Array, Array]:
        """Return the lower and upper ends of all candidates' intervals, in the objective's unit."""
        from scipy.special import ndtri  # noqa: PLC0415  # half a second of import

        belief = self.belief
        reach = ndtri((1.0 + confidence) / 2.0) * belief.deviation
        return belief.unit.restore(belief.mean - reach), belief.unit.restore(belief.mean + reach)

    def most_telling(self, seeds: Sequence[int]) -> tuple[Configuration, int]:
        """Return the pair of configuration and seed after which the least regret is expected.

        Args:
            seeds: that may be used: those that have trainings, and a new one.

        Raises:
            ArgumentError: every pair is trained already.
        """
        index_of = {one: index for index, one in enumerate(self.candidates)}
        trained = {
            (index_of[one.configuration], one.seed)
            for one in self.observations
            if one.configuration in index_of
        }
        index, seed = self.belief.most_telling(seeds, trained)
        return self.candidates[index], seed


def fit(space: Space, observations: Sequence[Observation]) -> Posterior:
    """Fit the process to what is finished; what is running narrows it, and moves nothing.

    The process is averaged over its hyperparameters, none of which is chosen; the same observations
    in the same order give the same numbers.

    Examples:
        >>> from wolfsbane.tuning.space import Rate, make_space
        >>> space = make_space({"dropout": Rate(0, 0.9)})
        >>> nll = {(0.0, 0): 0.48, (0.9, 0): 0.70, (0.0, 1): 0.40, (0.9, 1): 0.63, (0.5, 1): 0.30}
        >>> found = fit(
        ...     space,
        ...     [
        ...         Observation(Configuration((("dropout", rate),)), seed, value)
        ...         for (rate, seed), value in nll.items()
        ...     ],
        ... )
        >>> print(found.best)
        dropout=0.5
    """
    finished = [one for one in observations if one.value is not None]
    running = [one for one in observations if one.value is None]
    values = np.array([one.value for one in finished], dtype=np.float64)
    unit = unit_of(values)
    candidates = space.candidates()
    process = condition(
        draw(space),
        _points(space, finished),
        unit.standardise(values),
        _points(space, running),
        num_kept=min(NUM_KEPT, max(1, LARGEST_COVARIANCES // len(candidates) ** 2)),
    )
    is_allowed = np.array([space.allows(one) for one in candidates])
    belief = Belief(unit, process, encode(space, candidates), is_allowed)
    return Posterior(candidates, tuple(observations), belief)


def _points(space: Space, observations: Sequence[Observation]) -> Points:
    return Points(
        encode(space, [one.configuration for one in observations]),
        np.array([one.seed for one in observations], dtype=np.int64),
    )
