"""A search as plain data."""

import json
import math
from dataclasses import replace

import pytest
import torch

from wolfsbane.report.tuning import record
from wolfsbane.tuning.trial import Trial


def test_a_row_for_every_training_with_its_last_metrics(view):
    rows = record.table(view)
    assert [row["number"] for row in rows] == list(range(len(view.trainings)))
    for row, one in zip(rows, view.trainings, strict=True):
        assert row["dropout"] == one.request.configuration.as_dict()["dropout"]
        assert row["purpose"] == one.request.purpose
        assert row["seed"] == one.request.seed
        for name, curve in one.outcome.curves.items():
            assert row[name] == curve[-1]
        best = row["best_epoch"] - 1
        losses = one.outcome.curves["validation_nll"]
        assert losses[best] == min(losses)
        assert row["seconds"] == one.outcome.seconds


def test_every_dimension_is_a_column_and_none_takes_anothers_place(two_dimensions):
    assert {"dropout", "activation"} <= record.table(two_dimensions)[0].keys()
    trial = two_dimensions.trials[0]
    values = (("seed", 0.3), ("seconds", "x"))
    request = replace(
        trial.request, configuration=replace(trial.request.configuration, values=values)
    )
    (row,) = record.table(replace(two_dimensions, trials=[Trial(request, trial.outcome)]))
    assert (row["params_seed"], row["params_seconds"]) == (0.3, "x")
    assert row["seed"] == trial.request.seed


def test_trainings_that_still_run_are_left_out(view):
    running = Trial(replace(view.trials[0].request, number=99))
    assert record.table(replace(view, trials=[*view.trials, running])) == record.table(view)


def test_the_json_holds_question_answer_and_every_curve(view):
    data = json.loads(record.to_json(view))
    assert data["format"] == record.FORMAT
    assert data["configuration"]["space"] == {"dropout": {"low": 0, "high": 0.9, "step": 0.1}}
    assert data["configuration"]["training"]["epochs"] == 25
    assert data["configuration"]["fingerprint"] == view.setting.pool.fingerprint
    assert data["versions"]["torch"] == torch.__version__
    answer = data["answer"]
    assert answer["chosen"] == view.answer.chosen.as_dict()
    assert answer["budget"] == 14
    assert len(answer["findings"]) == len(view.answer.findings)
    assert len(answer["band"][0]) == len(view.answer.band[0])
    assert len(data["trainings"]) == len(view.trainings)
    curves = data["trainings"][3]["curves"]
    assert {name: tuple(curve) for name, curve in curves.items()} == dict(
        view.trainings[3].outcome.curves
    )


def test_the_json_holds_no_times(view):
    slower = replace(
        view,
        seconds=view.seconds + 9,
        trials=[replace(one, outcome=replace(one.outcome, seconds=77.0)) for one in view.trials],
    )
    assert record.to_json(slower) == record.to_json(view)
    assert "seconds" not in record.to_json(view)


def test_the_order_in_which_trainings_ended_changes_nothing(view):
    assert record.to_json(replace(view, trials=view.trials[::-1])) == record.to_json(view)


def test_the_same_search_gives_the_same_json(search_of):
    first, second = (record.to_json(search_of(5)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("number", [math.inf, math.nan])
def test_numbers_that_json_lacks_are_null(single, number):
    (trial,) = single.trials
    curves = {**trial.outcome.curves, "test_nll": (1.0, number)}
    odd = replace(trial, outcome=replace(trial.outcome, curves=curves))
    data = json.loads(record.to_json(replace(single, trials=[odd])))
    assert data["trainings"][0]["curves"]["test_nll"] == [1.0, None]


def test_a_loop_of_ones_own_is_recorded_with_what_it_measured(own_metric):
    data = json.loads(record.to_json(own_metric))
    assert data["configuration"]["objective"]["name"] == "f1"
    assert set(data["trainings"][0]["curves"]) == {"validation_f1"}
    assert data["trainings"][0]["reliability"] is None
