"""Optuna's way of asking: a sampler that proposes pairs of configuration and seed."""

from collections.abc import Iterator
from typing import Any

from optuna.distributions import BaseDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from wolfsbane.errors import ArgumentError
from wolfsbane.experiment.comparison import LARGEST_SEED
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.seeds import search_seed
from wolfsbane.tuning.space import Configuration, Space
from wolfsbane.tuning.surrogate import Observation, Posterior, fit
from wolfsbane.tuning.trial import Purpose

SEED = "seed"
"""The parameter of a trial that holds its seed."""

PURPOSE = "purpose"
"""The user attribute of a trial that holds its purpose; without one it is part of the search."""


class PairedSampler(BaseSampler):
    """Proposes the configuration and the seed that tell most, given all trials of a study.

    The first four are the baseline and the extreme under the first two seeds. After them each
    finished training of the search is an observation of `wolfsbane.tuning.surrogate`, and each
    running one narrows what is known where it will; failed ones are made again if they still tell
    most. Nothing is drawn at random: the same trials are followed by the same proposal.

    Args:
        space: what may be chosen.
        objective: told here, its direction is compared with the study's.
        first_seed: of the seeds, which follow one another.

    It serves any study whose objective has the space's parameters and one named "seed", by which
    it draws weights, order of examples and masks:

        >>> import optuna
        >>> from wolfsbane.tuning.space import Rate, make_space
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> def objective(trial):
        ...     rate = trial.suggest_float("dropout", 0.0, 0.9)
        ...     luck = trial.suggest_int("seed", 0, 2**32 - 1) % 7 / 10
        ...     return (rate - 0.4) ** 2 + luck
        >>> space = make_space({"dropout": Rate(0.0, 0.9, step=0.1)})
        >>> study = optuna.create_study(sampler=PairedSampler(space))
        >>> study.optimize(objective, n_trials=10)
        >>> [trial.params["seed"] for trial in study.trials[:4]]
        [0, 0, 1, 1]

    `study.best_params` would be the luckiest seed's; the best mean over seeds is the surrogate's:

        >>> study.sampler.posterior(study).best.as_dict()
        {'dropout': 0.4}

    Parameters that the space does not have are drawn at random, and their effect is noise here.
    """

    def __init__(
        self, space: Space, objective: Objective | None = None, first_seed: int = 0
    ) -> None:
        self._space = space
        self._objective = objective
        self._first_seed = first_seed
        self._others = RandomSampler(seed=first_seed)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """What a trial is asked: the space's names, and a seed."""
        return {**self._space.distributions, SEED: IntDistribution(0, LARGEST_SEED)}

    def posterior(self, study: Study) -> Posterior:
        """Return what the search's trials tell by now.

        Raises:
            ArgumentError: the study has several objectives, or another direction.
        """
        self._check(study)
        return fit(self._space, self._observations(study))

    def infer_relative_search_space(
        self,
        study: Study,
        trial: FrozenTrial,  # noqa: ARG002  # Optuna's signature
    ) -> dict[str, BaseDistribution]:
        self._check(study)
        return self.distributions

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        enqueued = trial.system_attrs.get("fixed_params", {})
        if search_space.keys() <= enqueued.keys():
            return {}
        configuration, seed = self._next(self._observations(study))
        asked = {**configuration.as_dict(), SEED: seed}
        return {name: asked[name] for name in search_space}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        self._check(study)
        return self._others.sample_independent(study, trial, param_name, param_distribution)

    def reseed_rng(self) -> None:
        self._others.reseed_rng()

    def _next(self, observations: list[Observation]) -> tuple[Configuration, int]:
        made = {(one.configuration, one.seed) for one in observations}
        for pair in self._first_pairs():
            if pair not in made:
                return pair
        used = {seed for _, seed in made}
        new = next(seed for seed in self._seeds() if seed not in used)
        return fit(self._space, observations).most_telling((*sorted(used), new))

    def _first_pairs(self) -> list[tuple[Configuration, int]]:
        ends = self._space.baseline, self._space.extreme
        return [(end, search_seed(self._first_seed, index)) for index in range(2) for end in ends]

    def _seeds(self) -> Iterator[int]:
        return (search_seed(self._first_seed, index) for index in range(LARGEST_SEED))

    def _observations(self, study: Study) -> list[Observation]:
        """Return the search's trials, lower values better, in the order of their numbers."""
        trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.RUNNING))
        sign = -1.0 if study.direction is StudyDirection.MAXIMIZE else 1.0
        return [
            Observation(
                Configuration(
                    tuple((name, trial.params[name]) for name, _ in self._space.dimensions)
                ),
                trial.params[SEED],
                None if trial.state is TrialState.RUNNING else sign * trial.values[0],
            )
            for trial in trials
            if self.distributions.keys() <= trial.params.keys()
            and trial.user_attrs.get(PURPOSE, Purpose.SEARCH) == Purpose.SEARCH
        ]

    def _check(self, study: Study) -> None:
        if len(study.directions) > 1:
            raise ArgumentError(
                f"{self} searches by one objective, but the study has {len(study.directions)}"
            )
        is_higher_better = study.direction is StudyDirection.MAXIMIZE
        if self._objective and self._objective.higher_is_better != is_higher_better:
            raise ArgumentError(
                f"{self}: the study's direction is to {study.direction.name.lower()}, but of "
                f"{self._objective.name!r} "
                f"{'higher' if self._objective.higher_is_better else 'lower'} values are better. "
                "Create the study with the other direction"
            )
