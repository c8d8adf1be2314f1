"""A search in sentences: what is said, and what is not said where nothing is known."""

from dataclasses import replace

import pytest

from wolfsbane.experiment.intervals import Verdict
from wolfsbane.report.tuning import words
from wolfsbane.tuning.answer import RateRange
from wolfsbane.tuning.objective import Objective


def changed(view, **changes):
    return replace(view, answer=replace(view.answer, **changes))


def ranged(view, low, high):
    (one,) = view.answer.ranges
    return changed(view, ranges=(replace(one, low=low, high=high),))


def test_the_choice_comes_first_with_what_is_as_good_and_the_verdict(view):
    first = words.verdict(ranged(view, 0.3, 0.7)).splitlines()[0]
    assert first == (
        f"{view.answer.chosen}; anything from 0.3 to 0.7 is as good as far as these trainings "
        f"tell. Verdict: {view.answer.verdict} in NLL."
    )


def test_a_rate_beside_an_option_is_named(two_dimensions):
    assert "any dropout from" in words.choice(ranged(two_dimensions, 0.0, 0.8))


def test_a_rate_alone_is_said_to_be_better_than_its_neighbours(view):
    """Farther rates may be as good: of two valleys one is chosen."""
    (one,) = view.answer.ranges
    assert "the rates next to it are worse" in words.choice(ranged(view, one.rate, one.rate))


def test_each_of_several_rates_has_its_range(view):
    ranges = (RateRange("early", 0.5, 0.4, 0.7), RateRange("late", 0.1, 0.1, 0.1))
    said = words.choice(changed(view, ranges=ranges))
    assert "each with the rest as chosen: early from 0.4 to 0.7 and late 0.1 alone" in said


def test_every_difference_of_the_proof_is_told_with_its_interval_and_the_pairs(view):
    said = "\n".join(words.proof(view))
    pairs = view.answer.findings[-1].difference.num_seeds
    assert f"against no dropout (dropout=0), {pairs} pairs of trainings" in said
    for finding in view.answer.findings:
        assert finding.measure.label in said
    assert said.count("[") == len(view.answer.findings) / 2
    assert "On test data that the choice never saw" in said.splitlines()[0]


@pytest.mark.parametrize("kind", list(Verdict))
def test_measures_stand_behind_their_verdict(view, kind):
    findings = tuple(replace(one, verdict=one.difference and kind) for one in view.answer.findings)
    first, second = words.proof(changed(view, findings=findings))
    assert f": {kind} in test accuracy" in first
    assert f": {kind} in test accuracy" in second
    others = [other for other in Verdict if other is not kind]
    assert not any(f"{other} in" in first.replace(str(kind), "") for other in others)


def test_the_epoch_of_the_objective_is_told_first(view):
    objective = Objective(epoch=view.answer.findings[-1].epoch)
    best = replace(view, setting=replace(view.setting, objective=objective))
    assert "at the epoch with the best validation NLL" in words.proof(best)[0]
    assert "after the last epoch" in words.proof(best)[1]


def test_a_chosen_baseline_has_nothing_to_prove(view):
    baseline = view.answer.baseline
    none = changed(view, chosen=baseline, findings=(), verdict=Verdict.NOTHING)
    assert words.choice(none).startswith("no dropout (dropout=0);")
    (said,) = words.proof(none)
    assert said == (
        "There is nothing to prove: by validation data nothing is expected to do better than no "
        "dropout."
    )


def test_a_chosen_baseline_without_a_verdict_is_the_best_so_far(view):
    baseline = view.answer.baseline
    early = changed(view, chosen=baseline, findings=(), verdict=None)
    (said,) = words.proof(early)
    assert said == (
        "Nothing is proved: so far, by validation data nothing is expected to do better than no "
        "dropout."
    )


def test_beside_options_the_baseline_is_more_than_no_dropout(two_dimensions):
    baseline = two_dimensions.answer.baseline
    said = words.verdict(changed(two_dimensions, chosen=baseline))
    assert said.startswith("the baseline (dropout=0, activation=relu)")
    assert "With the baseline the accuracy" in said
    assert "without dropout" not in said.lower()


def test_without_a_verdict_nothing_is_called_proved(single, two_dimensions):
    assert "Verdict" not in words.choice(single)
    for one in (single, two_dimensions):
        assert words.proof(one)[0].startswith("Nothing is proved")


def test_complexity_is_told_as_far_as_it_is_measured(view, own_metric):
    said = " ".join(words.complexity(view))
    complexity = view.answer.complexity
    assert f"gives back {complexity.memorised:.0%} of the wrong labels" in said
    assert f"with {view.answer.chosen} {complexity.memorised_chosen:.0%}" in said
    assert f"on test data alone give back {complexity.memorised_by_error:.0%}" in said
    assert words.complexity(own_metric) == []


@pytest.mark.parametrize(
    ("gap", "says"), [(0.052, "5.2 points higher"), (-0.144, "14.4 points lower")]
)
def test_the_gap_says_which_accuracy_is_higher(view, gap, says):
    complexity = replace(view.answer.complexity, gap=gap)
    first, *_ = words.complexity(changed(view, complexity=complexity))
    assert first == f"Without dropout the accuracy is {says} on training data than on test data."


def test_the_learning_curve_says_whether_more_data_helps_and_dropout_helps_less(with_curve):
    more_data, less_dropout = words.complexity(with_curve)[-2:]
    assert more_data == (
        "Without dropout test NLL changes by -1.100 from 20 to 80 training examples (2 seeds): "
        "more data still helps."
    )
    assert less_dropout == (
        f"{with_curve.answer.chosen} changes it by -0.600 at 20 training examples and by -0.150 "
        "at 80: it helps less with more data."
    )


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ((1.85, 0.7), "does not show"),
        ((1.85, 1.95), "does not show"),
        ((1.91, 2.0), "more data does not help"),
    ],
)
def test_a_learning_curve_that_is_not_clear_is_not_called_so(with_curve, values, says):
    curve = tuple(
        replace(point, values=values)
        if point.train_size == 80 and point.configuration == with_curve.answer.baseline
        else point
        for point in with_curve.answer.complexity.curve
    )
    complexity = replace(with_curve.answer.complexity, curve=curve)
    assert says in words.complexity(changed(with_curve, complexity=complexity))[-2]


@pytest.mark.parametrize(
    ("few", "many", "says"),
    [
        ((1.0, 0.9), (0.6, 0.6), "it helps less with more data"),
        ((1.7, 1.7), (0.1, 0.1), "it helps more with more data"),
        ((1.2, 1.75), (0.6, 0.6), "it helps with both"),
        ((2.0, 2.0), (0.1, 0.1), "it takes more data to help"),
        ((1.2, 1.2), (0.9, 0.9), "it helps with little data only"),
        ((2.0, 1.2), (0.1, 0.9), "no trend shows"),
    ],
)
def test_what_dropout_does_with_more_data_is_said_as_every_seed_has_it(with_curve, few, many, says):
    chosen = {20: few, 80: many}
    curve = tuple(
        replace(point, values=chosen[point.train_size])
        if point.configuration == with_curve.answer.chosen
        else point
        for point in with_curve.answer.complexity.curve
    )
    complexity = replace(with_curve.answer.complexity, curve=curve)
    assert words.complexity(changed(with_curve, complexity=complexity))[-1].endswith(f"{says}.")


def test_the_cost_adds_up(view):
    spent = view.answer.num_trainings
    assert words.cost(view) == (
        f"{len(view.trainings)} of {view.answer.budget} trainings: {spent['search']} to choose, "
        f"{spent['proof']} to prove."
    )


def test_the_objective_is_explained_where_it_is_ours(view, own_metric):
    assert "because it is far steadier between seeds than accuracy" in words.verdict(view)
    assert "steadier" not in words.verdict(own_metric)


def test_warnings_are_sentences(view):
    said = words.verdict(changed(view, warnings=("the data is small: bring more",)))
    assert said.splitlines()[-1] == "The data is small: bring more."


def test_a_choice_at_the_edge_of_the_space_is_told(view):
    (one,) = view.answer.ranges
    edge = changed(view, ranges=(replace(one, rate=0.9, high=0.9),))
    assert any("highest rate that was allowed" in note for note in words.notes(edge))
    assert not any("highest rate" in note for note in words.notes(view))


def test_a_metric_of_the_users_has_its_own_name(own_metric):
    said = words.verdict(own_metric)
    assert "chosen by validation f1 after the last epoch" in said
    assert "NLL" not in said
