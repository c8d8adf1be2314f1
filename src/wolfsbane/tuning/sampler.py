"""Optuna's way of asking: a sampler that proposes pairs of configuration and seed."""

from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.space import Space

SEED = "seed"
"""The parameter of a trial that holds its seed."""


class PairedSampler(BaseSampler):
    """Proposes the configuration and the seed that tell most, given all trials of a study.

    The first four are the baseline and the extreme under the first two seeds.
    """

    def __init__(self, space: Space, objective: Objective, first_seed: int = 0) -> None:
        self._space = space
        self._objective = objective
        self._first_seed = first_seed

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        raise NotImplementedError

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        raise NotImplementedError

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        raise NotImplementedError
