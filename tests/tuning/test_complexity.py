"""How hard the data is: what is trained for it, and what is read off."""

import pytest

from landscapes import Table, make_pool, make_setting, rising
from wolfsbane.errors import ArgumentError
from wolfsbane.tuning.complexity.plan import NOISE, plan
from wolfsbane.tuning.record import open_record
from wolfsbane.tuning.search import Limits, check_limits, search
from wolfsbane.tuning.trial import Purpose

CURVE = Limits(40, complexity=True)


def run(engine, limits, setting):
    with open_record(setting) as record:
        return search(setting, limits, record, engine, lambda _: None)


def asked(engine):
    return [one for one in engine.made if one.purpose is Purpose.COMPLEXITY]


def test_one_training_on_wrong_labels_says_what_is_memorised():
    engine = Table()
    answer = run(engine, Limits(24), make_setting(make_pool()))
    (request,) = asked(engine)
    assert (request.configuration, request.label_noise) == (answer.baseline, NOISE)
    assert (answer.complexity.memorised, answer.complexity.memorised_noise) == (1.0, NOISE)
    assert (answer.complexity.memorised_chosen, answer.complexity.curve) == (None, ())
    assert answer.complexity.gap == pytest.approx(0.1, abs=0.01)
    # Of two classes, one in ten test examples is given the wrong one.
    assert answer.complexity.memorised_by_error == pytest.approx(0.1, abs=0.01)


def test_errors_are_shared_by_all_wrong_classes():
    answer = run(Table(), Limits(24), make_setting(make_pool(classes=5)))
    assert answer.complexity.memorised_by_error == pytest.approx(0.1 / 4, abs=0.0025)


def test_the_gap_is_that_of_the_proofs_baseline():
    answer = run(Table(noise_of_accuracy=0.05), Limits(24), make_setting(make_pool()))
    baseline = next(one for one in answer.findings if one.measure.name == "gap")
    assert answer.complexity.gap == pytest.approx(baseline.estimate.mean)


def test_where_labels_are_wrong_already_nothing_more_is_trained():
    engine = Table(memorises=True)
    answer = run(engine, Limits(24), make_setting(make_pool(), label_noise=0.3))
    assert asked(engine) == []
    assert (answer.complexity.memorised, answer.complexity.memorised_noise) == (1.0, 0.3)
    assert answer.complexity.memorised_chosen == pytest.approx(
        1.0 - answer.chosen.as_dict()["dropout"]
    )


def test_of_the_users_data_only_the_gap_is_known():
    engine = Table()
    answer = run(engine, CURVE, make_setting())
    assert asked(engine) == []
    assert answer.complexity.gap is not None
    assert (answer.complexity.memorised, answer.complexity.memorised_noise) == (None, None)
    assert any("not wolfsbane's to split" in warning for warning in answer.warnings)


def test_the_learning_curve_has_four_sizes_of_both_configurations():
    engine = Table()
    answer = run(engine, CURVE, make_setting(make_pool()))
    assert len(asked(engine)) == 14
    points = [point for point in answer.complexity.curve if point.metric == "nll"]
    assert [(point.train_size, point.configuration) for point in points] == [
        (size, configuration)
        for configuration in (answer.baseline, answer.chosen)
        for size in (62, 125, 250, 500)
    ]
    assert [len(point.values) for point in points[:3]] == [2, 2, 2]
    assert len(points[3].values) == answer.num_trainings[Purpose.PROOF] // 2
    means = [sum(point.values) / len(point.values) for point in points]
    assert means[:4] == sorted(means[:4], reverse=True)
    assert answer.complexity.memorised_chosen == pytest.approx(
        1.0 - answer.chosen.as_dict()["dropout"]
    )
    assert {point.metric for point in answer.complexity.curve} == {"nll", "accuracy"}


def test_where_the_baseline_is_chosen_it_alone_is_measured():
    engine = Table(rising)
    answer = run(engine, CURVE, make_setting(make_pool()))
    assert len(asked(engine)) == 7
    assert {one.configuration for one in asked(engine)} == {answer.baseline}
    assert answer.complexity.memorised_chosen is None


def test_sizes_that_lack_a_class_are_left_out():
    setting = make_setting(make_pool(200, classes=10), train_size=60)
    wanted = plan(setting, setting.subject.space.extreme, with_curve=True)
    assert {one.train_size for one in wanted} == {None, 15, 30}


def test_a_budget_too_small_for_the_curve_is_refused_before_training():
    setting = make_setting(make_pool())
    engine = Table()
    limits = Limits(24, complexity=True)
    with pytest.raises(ArgumentError, match=r"takes 14 trainings.*Give a budget of at least 25"):
        run(engine, limits, setting)
    assert engine.made == []
    check_limits(setting, Limits(25, complexity=True))
    answer = run(engine, Limits(25, complexity=True), setting)
    assert len(asked(engine)) == 14
    assert len(engine.made) == 25
    assert answer.verdict is not None


def test_a_curve_that_a_later_budget_has_no_room_for_says_what_is_missing():
    setting = make_setting(make_pool())
    with open_record(setting) as record:
        search(setting, Limits(24), record, Table(), lambda _: None)
        limits = Limits(27, complexity=True)
        answer = search(setting, limits, record, Table(), lambda _: None)
    assert sum(answer.num_trainings.values()) <= 27
    (said,) = (warning for warning in answer.warnings if "learning curve" in warning)
    assert "give a budget of at least" in said
