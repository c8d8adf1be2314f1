"""A search's trials in a study of Optuna's."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from wolfsbane.errors import ArgumentError, ModelError
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.record.locks import Guard
from wolfsbane.tuning.record.weights import Weights
from wolfsbane.tuning.record.writing import (
    OUTCOME,
    attributes,
    distributions,
    is_readable,
    read_outcome,
    request_of,
    write_outcome,
)
from wolfsbane.tuning.sampler import PURPOSE, SEED
from wolfsbane.tuning.space import Configuration, Space
from wolfsbane.tuning.trial import Outcome, Purpose, Request, Trial

CHOSEN = "chosen"
"""The user attribute of a study that holds the configuration that the search ended with."""

PLANNED = "planned"
"""Marks a trial that a phase named: it will name it again, where it is lost."""

LOST = "lost"
"""Marks a failed trial whose process ended, or was interrupted, before its training did."""

AGAIN = "again"
"""The number of the lost trial that this one makes again."""


class StudyRecord:
    """All trials of a search, in a study that no other process works on.

    Args:
        study: of Optuna, with the sampler.
        storage: the study's.
        space: what may be chosen.
        objective: whose value on validation data a trial has.
        weights: where trained weights go.
        guard: keeps other processes away.

    Attributes:
        num_resumed: trainings that were there when the record was opened.
    """

    num_resumed: int

    def __init__(
        self,
        study: Study,
        storage: BaseStorage,
        space: Space,
        objective: Objective,
        weights: Weights,
        guard: Guard,
    ) -> None:
        self._study = study
        self._storage = storage
        self._study_id = storage.get_study_id_from_name(study.study_name)
        self._space = space
        self._objective = objective
        self._weights = weights
        self._guard = guard
        self._distributions = distributions(space)
        self._finished: dict[int, Trial] = {}
        self.settle()
        self.num_resumed = len(self.trials())
        self._lost = self._find_lost()

    def trials(self) -> Sequence[Trial]:
        """Return all trials that are finished or running, in the order of their numbers."""
        states = (TrialState.COMPLETE, TrialState.RUNNING)
        found = map(self._read, self._study.get_trials(deepcopy=False, states=states))
        return [trial for trial in found if trial is not None]

    def _read(self, frozen: FrozenTrial) -> Trial | None:
        if frozen.number in self._finished:
            return self._finished[frozen.number]
        request = request_of(self._space, frozen)
        if request is None or not is_readable(frozen):
            return None
        if frozen.state == TrialState.RUNNING:
            return Trial(request)
        trial = Trial(request, self._read_outcome(frozen))
        self._finished[frozen.number] = trial
        return trial

    def _read_outcome(self, frozen: FrozenTrial) -> Outcome:
        written = frozen.user_attrs[OUTCOME]
        name = written["weights"]
        return read_outcome(written, name and self._weights.find(frozen.number, name))

    def suggest(self) -> Request:
        """Ask the sampler for the pair of configuration and seed that tells most.

        What a killed process had asked for and not finished comes first, in its order.
        """
        self._guard.check()
        if self._lost:
            lost = self._lost.pop(0)
            again = {PURPOSE: Purpose.SEARCH.value, AGAIN: lost.number}
            return self._create(lost.params, again)
        trial = self._study.ask(self._distributions)
        trial.set_user_attr(PURPOSE, Purpose.SEARCH.value)
        return self._request(trial.number)

    def add(
        self,
        configuration: Configuration,
        seed: int,
        purpose: Purpose,
        *,
        train_size: int | None = None,
        label_noise: float | None = None,
        keep_weights: bool = False,
    ) -> Request:
        """Ask for a training that the search's phases name."""
        self._guard.check()
        asked = attributes(purpose, train_size, label_noise, keep_weights)
        return self._create({**configuration.as_dict(), SEED: seed}, {**asked, PLANNED: True})

    def _create(self, params: Mapping[str, Any], user_attrs: dict[str, Any]) -> Request:
        """Write a running trial in one piece, past the sampler."""
        try:
            trial = create_trial(
                state=TrialState.RUNNING,
                params=dict(params),
                distributions=self._distributions,
                user_attrs=user_attrs,
            )
        except ValueError as error:
            raise ArgumentError(f"a training outside the space: {error}") from error
        trial_id = self._storage.create_new_trial(self._study_id, trial)
        return self._request(self._storage.get_trial(trial_id).number)

    def _request(self, number: int) -> Request:
        request = request_of(self._space, self._storage.get_trial(self._trial_id(number)))
        assert request is not None
        return request

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)

    def tell(self, request: Request, outcome: Outcome) -> None:
        """Write what came out.

        Raises:
            ModelError: the objective was not measured, or is not a number.
        """
        value = self._value(outcome)
        self._guard.check()
        name = outcome.weights and self._weights.keep(request.number, outcome.weights)
        written = write_outcome(outcome, name or None)
        self._storage.set_trial_user_attr(self._trial_id(request.number), OUTCOME, written)
        self._study.tell(request.number, value)

    def _value(self, outcome: Outcome) -> float:
        name = f"validation_{self._objective.name}"
        curve = outcome.curves.get(name)
        if not curve:
            raise ModelError(
                f"a training returned no {name!r}, which is the objective, but "
                f"{', '.join(outcome.curves) or 'nothing'}"
            )
        value = float(outcome.score("validation", self._objective))
        if math.isnan(value):
            raise ModelError(
                f"training diverged: {name!r} is not a number. Lower the learning rate"
            )
        return value

    def drop(self, request: Request) -> None:
        """Give up a training that was asked for and will not be made; it is not in `trials`.

        A search that goes on after Ctrl-C asks for it again before anything new, as after a kill:
        it then comes to what it would have come to. Where Ctrl-C came while `tell` wrote its
        outcome, it is finished instead.
        """
        frozen = self._storage.get_trial(self._trial_id(request.number))
        if not frozen.state.is_finished():
            self._end(frozen)
        self._lost = self._find_lost()

    @property
    def chosen(self) -> Configuration | None:
        """The configuration that the search ended with; None while it goes on."""
        values = self._storage.get_study_user_attrs(self._study_id).get(CHOSEN)
        if values is None:
            return None
        return Configuration(tuple((name, values[name]) for name, _ in self._space.dimensions))

    def choose(self, configuration: Configuration | None) -> None:
        """Write the choice down; None: the search goes on. It is final once its proof has begun.

        Raises:
            ArgumentError: trainings have begun to prove another one.
        """
        self._guard.check()
        before = self.chosen
        if before == configuration:
            return
        if any(trial.request.purpose is Purpose.PROOF for trial in self.trials()):
            raise ArgumentError(f"{before} is being proved, and cannot become {configuration}")
        values = None if configuration is None else configuration.as_dict()
        self._storage.set_study_user_attr(self._study_id, CHOSEN, values)

    def settle(self) -> None:
        """End the trials that nobody works on: finish what came out, give up the others."""
        for frozen in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._end(frozen)

    def _end(self, frozen: FrozenTrial) -> None:
        if OUTCOME in frozen.user_attrs:
            self._study.tell(frozen.number, self._value(self._read_outcome(frozen)))
        else:
            self._storage.set_trial_user_attr(self._trial_id(frozen.number), LOST, value=True)
            self._study.tell(frozen.number, state=TrialState.FAIL)

    def _find_lost(self) -> list[FrozenTrial]:
        """Return the trials of the sampler's that were lost and not made again."""
        failed = self._study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        again = {trial.user_attrs.get(AGAIN) for trial in self._study.get_trials(deepcopy=False)}
        return [
            trial
            for trial in failed
            if LOST in trial.user_attrs
            and PLANNED not in trial.user_attrs
            and request_of(self._space, trial) is not None
            and trial.number not in again
        ]
