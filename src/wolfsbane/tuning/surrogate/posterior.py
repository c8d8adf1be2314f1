"""What the trainings tell of every configuration, with the seeds' effects taken out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wolfsbane.tuning.space import Configuration, Space

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Observation:
    """The objective of one training; `value` None while it runs. Lower is better here."""

    configuration: Configuration
    seed: int
    value: float | None


@dataclass(frozen=True)
class Posterior:
    """What is known of every candidate's mean over seeds.

    Attributes:
        candidates: of the space, the baseline first.
        mean: (candidates,) of the objective, lower is better, in its own unit.
        covariance: (candidates, candidates).
        pair_deviation: the standard deviation of one paired difference between two configurations
            under the same seed: what decides how many pairs a proof needs.
    """

    candidates: tuple[Configuration, ...]
    mean: Array
    covariance: Array
    pair_deviation: float

    @property
    def best(self) -> Configuration:
        """The candidate with the lowest mean."""
        raise NotImplementedError

    @property
    def expected_regret(self) -> float:
        """How much worse than the unknown optimum the best candidate is expected to be."""
        raise NotImplementedError

    def as_good(self, confidence: float = 0.95) -> tuple[Configuration, ...]:
        """Return the candidates that nothing shows to be worse than the best."""
        raise NotImplementedError

    def band(self, confidence: float = 0.95) -> tuple[Array, Array]:
        """Return the lower and upper ends of all candidates' intervals, in the objective's unit."""
        raise NotImplementedError

    def most_telling(self, seeds: Sequence[int]) -> tuple[Configuration, int]:
        """Return the pair of configuration and seed after which the least regret is expected.

        Args:
            seeds: that may be used: those that have trainings, and a new one.
        """
        raise NotImplementedError


def fit(space: Space, observations: Sequence[Observation]) -> Posterior:
    """Fit the process to what is finished; what is running narrows it, and moves nothing."""
    raise NotImplementedError
