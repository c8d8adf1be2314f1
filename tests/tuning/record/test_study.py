import math
import warnings
from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from tuning.record.searches import MIXED, opened, outcome, pair, setting
from wolfsbane.errors import ArgumentError, ModelError
from wolfsbane.experiment.measures import Epoch
from wolfsbane.experiment.metrics import Reliability
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.space import Configuration, make_space
from wolfsbane.tuning.trial import Outcome, Purpose, Trial

BEST = Objective("accuracy", higher_is_better=True, epoch=Epoch.BEST)


MEMORY = None, None

in_memory_too = pytest.mark.parametrize(
    "place", ["memory", "folder", "sqlite", "postgresql"], indirect=True
)


def study_in(directory):
    storage = JournalStorage(JournalFileBackend(str(directory / "journal.log")))
    return optuna.load_study(study_name="wolfsbane", storage=storage)


OUTCOMES = [
    outcome(),
    outcome(0.1, memorised=1 / 3),
    Outcome({"validation_nll": (5e-324, 1.7976931348623157e308, math.pi)}),
    Outcome({"validation_nll": (math.inf,), "test_nll": (-math.inf,)}),
    Outcome({"validation_nll": (1, 2)}, Reliability((0,) * 15, (0.0,) * 15, (0,) * 15), 0.0),
    Outcome({"validation_nll": tuple(np.random.default_rng(0).normal(size=100).tolist())}),
    outcome(weights=bytes(range(256))),
]


@in_memory_too
def test_what_is_told_is_read_back_exactly_by_this_and_the_next_process(place, tmp_path):
    place = (None if place == MEMORY else place[0] or tmp_path), place[1]  # Where weights go.
    expected = []
    with opened(*place) as record:
        for told in OUTCOMES:
            request = record.suggest()
            record.tell(request, told)
            expected.append(Trial(request, told))
        assert record.trials() == expected
    if place != MEMORY:
        with opened(*place) as again:
            assert again.trials() == expected
            assert again.num_resumed == len(OUTCOMES)


@in_memory_too
def test_every_field_of_a_request_is_kept(place):
    asked = setting(space=make_space(MIXED))
    configuration = Configuration((("dropout", 0.35), ("norm", None), ("wide", True)))
    with opened(*place, asked) as record:
        request = record.add(
            configuration,
            2**32 - 1,
            Purpose.COMPLEXITY,
            train_size=0,
            label_noise=0.2,
            keep_weights=True,
        )
        plain = record.add(configuration, 0, Purpose.PROOF)
        assert [trial.request for trial in record.trials()] == [request, plain]
    found = request.configuration, request.seed, request.purpose, request.train_size
    assert found == (configuration, 2**32 - 1, Purpose.COMPLEXITY, 0)
    assert (request.label_noise, request.keep_weights) == (0.2, True)
    assert (plain.train_size, plain.label_noise, plain.keep_weights) == (None, None, False)
    assert type(request.configuration.values[2][1]) is bool


@in_memory_too
def test_the_sampler_sees_what_runs_and_its_pairs_are_kept(place):
    with opened(*place) as record:
        asked = [record.suggest() for _ in range(12)]
        assert [trial.outcome for trial in record.trials()] == [None] * 12
    assert [(one.configuration.as_dict()["dropout"], one.seed) for one in asked] == [
        pair(index) for index in range(12)
    ]
    assert {one.purpose for one in asked} == {Purpose.SEARCH}


@in_memory_too
def test_what_is_dropped_is_not_in_the_trials_and_asked_for_again_first(place):
    with opened(*place) as record:
        dropped, kept = record.suggest(), record.suggest()
        record.drop(dropped)
        assert [trial.request for trial in record.trials()] == [kept]
        again = record.suggest()
        assert again == replace(dropped, number=2)
        record.drop(again)
    if place != MEMORY:
        with opened(*place) as later:
            assert later.suggest() == replace(kept, number=3)
            assert later.suggest() == replace(dropped, number=4)
            assert later.suggest().seed == 0


@in_memory_too
def test_the_choice_is_kept_and_final_once_its_proof_has_begun(place):
    asked = setting(space=make_space(MIXED))
    chosen = Configuration((("dropout", 0.3), ("norm", "batch"), ("wide", False)))
    with opened(*place, asked) as record:
        assert record.chosen is None
        for choice in (asked.subject.space.baseline, None, chosen, chosen):
            record.choose(choice)
            assert record.chosen == choice
        record.tell(record.add(chosen, 7, Purpose.PROOF), outcome())
        record.choose(chosen)
        with pytest.raises(ArgumentError, match="being proved"):
            record.choose(asked.subject.space.baseline)
    if place != MEMORY:
        with opened(*place, asked) as again:
            assert again.chosen == chosen


@pytest.mark.parametrize(
    ("objective", "value", "direction"),
    [(Objective(), 0.5, "minimize"), (BEST, 0.9, "maximize")],
)
def test_optuna_has_the_objective_and_its_direction(tmp_path, objective, value, direction):
    curves = {"validation_nll": (0.4, 0.5), "validation_accuracy": (0.9, 0.8)}
    with opened(tmp_path, None, setting(objective)) as record:
        record.tell(record.suggest(), Outcome(curves))
    study = study_in(tmp_path)
    assert study.direction.name.lower() == direction
    assert study.best_value == value
    assert study.metric_names == [f"validation_{objective.name}"]
    assert study.trials[0].user_attrs["purpose"] == "search"
    assert study.trials[0].params == {"dropout": 0.0, "seed": 0}


@pytest.mark.parametrize("curves", [{"validation_nll": (0.1, math.nan)}, {"loss": (1.0,)}, {}])
def test_an_outcome_without_the_objective_is_refused(curves):
    with opened() as record:
        request = record.suggest()
        with pytest.raises(ModelError, match="validation_nll"):
            record.tell(request, Outcome(curves))
        record.tell(request, outcome())


def test_a_training_outside_the_space_is_refused():
    with opened() as record, pytest.raises(ArgumentError, match="outside the space"):
        record.add(Configuration((("dropout", 0.95),)), 0, Purpose.SEARCH)


def test_weights_are_files_and_those_of_another_search_are_not_read(tmp_path):
    with opened(tmp_path) as record:
        record.tell(record.suggest(), outcome(weights=b"trained"))
    file = tmp_path / "weights-0.pt"
    assert file.read_bytes() == b"trained"
    assert b"trained" not in (tmp_path / "journal.log").read_bytes()
    for change in (lambda: file.write_bytes(b"of another"), file.unlink):
        change()
        with opened(tmp_path) as again:
            assert again.trials()[0].outcome == outcome()


def test_what_was_lost_is_asked_for_again_first_and_once(tmp_path):
    with opened(tmp_path) as record:
        first, lost = record.suggest(), record.suggest()
        record.tell(first, outcome())
        planned = record.add(first.configuration, 77, Purpose.SEARCH)
    assert [trial.state.name for trial in study_in(tmp_path).trials] == ["COMPLETE", "FAIL", "FAIL"]
    with opened(tmp_path) as again:
        assert [trial.request for trial in again.trials()] == [first]
        remade, new = again.suggest(), again.suggest()
    assert (remade.configuration, remade.seed) == (lost.configuration, lost.seed)
    assert new.seed != planned.seed
    assert remade.number > planned.number


def test_optunas_verbosity_is_given_back_and_nothing_is_said(tmp_path, capfd):
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with opened(tmp_path) as record:
                record.tell(record.suggest(), outcome())
        assert optuna.logging.get_verbosity() == optuna.logging.DEBUG
    finally:
        optuna.logging.set_verbosity(before)
    assert capfd.readouterr() == ("", "")
