"""What a record comes to at one moment: everything that is decided is decided by this."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from wolfsbane.experiment.measures import SCORES, Measure, metric
from wolfsbane.tuning.limits import Limits, default_precision
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.shares import Shares
from wolfsbane.tuning.space import Configuration, Space
from wolfsbane.tuning.surrogate import Observation, Posterior, fit
from wolfsbane.tuning.trial import Outcome, Purpose, Trial


@dataclass(frozen=True)
class Evidence:
    """The trainings of a record, and what follows from them.

    Attributes:
        setting: what every training shares.
        limits: how much is done.
        shares: what of the budget goes where.
        trials: of the record, in the order of their numbers.
        decided: the configuration that the search ended with; None while it goes on.
    """

    setting: Setting
    limits: Limits
    shares: Shares
    trials: tuple[Trial, ...]
    decided: Configuration | None

    @property
    def baseline(self) -> Configuration:
        """Nothing dropped, the first of all options."""
        return self.setting.subject.space.baseline

    def of(self, purpose: Purpose) -> tuple[Trial, ...]:
        """Return the trials of one purpose, running ones too."""
        return tuple(trial for trial in self.trials if trial.request.purpose is purpose)

    def outcomes(
        self, *purposes: Purpose, of: Configuration | None = None
    ) -> tuple[tuple[int, Outcome], ...]:
        """Return seeds and outcomes of what is finished for these purposes, of all or of one."""
        return tuple(
            (trial.request.seed, trial.outcome)
            for trial in self.trials
            if trial.outcome is not None
            and trial.request.purpose in purposes
            and of in {None, trial.request.configuration}
        )

    @cached_property
    def posterior(self) -> Posterior:
        """What the search's trainings tell of all candidates."""
        return self.fitted(self.setting.subject.space)

    def fitted(self, space: Space) -> Posterior:
        """Return what the search's trainings tell of the candidates of `space`."""
        return _fitted(space, self._observations)

    @property
    def sign(self) -> float:
        """What turns the objective into one of which less is better, and back."""
        return -1.0 if self.setting.objective.higher_is_better else 1.0

    @property
    def _observations(self) -> tuple[Observation, ...]:
        objective = self.setting.objective
        return tuple(
            Observation(
                trial.request.configuration,
                trial.request.seed,
                None
                if trial.outcome is None
                else self.sign * trial.outcome.score("validation", objective),
            )
            for trial in self.of(Purpose.SEARCH)
        )

    @cached_property
    def is_comparison(self) -> bool:
        """Whether the search trained more than one configuration."""
        search = self.of(Purpose.SEARCH)
        return len({one.request.configuration for one in search if one.outcome is not None}) > 1

    @cached_property
    def best(self) -> Configuration:
        """The configuration that was decided for, else the one with the best estimated mean.

        Where a single one was trained, that one.
        """
        if self.decided is not None:
            return self.decided
        if self.is_comparison:
            return self.posterior.best
        search = self.of(Purpose.SEARCH)
        trained = (one.request.configuration for one in search if one.outcome is not None)
        return next(trained, self.baseline)

    @cached_property
    def value(self) -> float:
        """The best configuration's objective on validation data, as estimated."""
        if self.is_comparison:
            index = self.posterior.candidates.index(self.best)
            return self.sign * float(self.posterior.mean[index])
        return float(np.mean(self._validation(self.outcomes(Purpose.SEARCH))))

    def _validation(self, outcomes: Sequence[tuple[int, Outcome]]) -> list[float]:
        objective = self.setting.objective
        return [outcome.score("validation", objective) for _, outcome in outcomes]

    @cached_property
    def precision(self) -> float:
        """Half the width of the gain's interval that is narrow enough."""
        if self.limits.precision is not None:
            return self.limits.precision
        of_baseline = self.outcomes(Purpose.SEARCH, of=self.baseline)
        known = of_baseline or self.outcomes(Purpose.SEARCH)
        return default_precision(self.setting.objective, self._validation(known))

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """What the trainings measure on test data."""
        outcomes = self.outcomes(Purpose.SEARCH, Purpose.PROOF)
        return tuple(
            measure
            for measure in (*SCORES, *_of_user(self.setting.objective.name, self.sign))
            if outcomes and all(measure.of(outcome, -1) is not None for _, outcome in outcomes)
        )


@lru_cache(maxsize=2)
def _fitted(space: Space, observations: tuple[Observation, ...]) -> Posterior:
    """Fit once what several phases ask about: after the search its trainings stay the same."""
    return fit(space, observations)


def _of_user(name: str, sign: float) -> Sequence[Measure]:
    if name in {measure.name for measure in SCORES}:
        return ()
    return (Measure(name, f"test {name}", sign < 0.0, metric(f"test_{name}")),)
