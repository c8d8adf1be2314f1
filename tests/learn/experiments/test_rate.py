"""The rate: trainings as those of a comparison, a choice by validation, an honest verdict."""

import re

import pytest

from learn.experiments.step_runs import (
    all_of,
    grows,
    last_of,
    outcome_of,
    run_step,
    series_of,
    texts_of,
)
from wolfsbane.experiment.data import add_label_noise, load, split
from wolfsbane.experiment.metrics import Scores
from wolfsbane.experiment.training import AdamW, train_variant
from wolfsbane.experiment.variants import make_variants
from wolfsbane.learn.blocks import Progress
from wolfsbane.learn.experiments import rate, rate_conditions, rate_epochs
from wolfsbane.learn.experiments.paired import Trained
from wolfsbane.learn.experiments.rate_conditions import CONDITIONS, Compared
from wolfsbane.learn.sections.rate import SECTION

SMALL = {"train_size": 50, "width": 32, "epochs": 5}


@pytest.fixture(scope="module")
def sweep():
    return run_step(SECTION, "sweep", **SMALL, seeds=2)


def by_comparison(p, seed, epochs):
    data = add_label_noise(split(load("digits"), 50, seed), 0.3, seed)
    (variant,) = make_variants({"a": {"dropout": p, "hidden": 32}})
    return train_variant(variant, data, seed, AdamW(epochs), lambda: None).curves


def trained(accuracies, p=0.5, nll=1.0):
    return [
        Trained(p, seed, Scores(accuracy, nll), Scores(accuracy, nll), 500)
        for seed, accuracy in enumerate(accuracies)
    ]


def test_each_point_is_a_training_as_the_comparison_makes_it(sweep):
    for key, name in (("nll", "test_nll"), ("accuracy", "test_accuracy")):
        series = series_of(last_of(sweep, key), "seed 1")
        assert series.x == rate.RATES
        for p, shown in zip(series.x, series.y, strict=True):
            assert shown == pytest.approx(by_comparison(p, 1, 5)[name][-1], abs=1e-4)


def test_the_line_is_the_mean_of_the_points(sweep):
    chart = last_of(sweep, "nll")
    pairs = zip(series_of(chart, "seed 0").y, series_of(chart, "seed 1").y, strict=True)
    means = [(first + second) / 2 for first, second in pairs]
    assert series_of(chart, "mean").y == pytest.approx(means, abs=2e-4)


def test_the_charts_grow_by_a_training_and_progress_comes_after_each_epoch(sweep):
    charts = all_of(sweep, "nll")
    assert len(charts) == 2 * len(rate.RATES)
    assert grows(charts)
    done = [block.done for block in sweep if isinstance(block, Progress)][1:]
    assert done == list(range(1, 5 * (2 * len(rate.RATES) + 2 * rate.NUM_PROOFS) + 1))


def test_the_rate_is_chosen_by_validation_on_seeds_of_its_own(sweep):
    losses = {
        p: sum(by_comparison(p, seed, 5)["validation_nll"][-1] for seed in (0, 1))
        for p in rate.RATES[1:]
    }
    chosen = min(losses, key=losses.get)
    assert f"p = {chosen:g} is the best rate" in outcome_of(sweep).text
    words = [block.text for block in sweep if isinstance(block, Progress)]
    seeds = [int(found[1]) for text in words if (found := re.search(r"seed (\d+)", text))]
    assert set(seeds[: 5 * 10]) == {0, 1}
    assert set(seeds[5 * 10 :]) == {2, 3, 4, 5}


def test_the_same_seed_gives_the_same_sweep_and_another_seed_another(sweep):
    assert run_step(SECTION, "sweep", **SMALL, seeds=2) == sweep
    other = run_step(SECTION, "sweep", **SMALL, seeds=2, seed=50)
    assert last_of(other, "nll") != last_of(sweep, "nll")


@pytest.mark.parametrize(
    ("given", "choice", "words"),
    [
        ([0.80, 0.81, 0.79, 0.80], 0, "better"),
        ([0.71, 0.68, 0.73, 0.69], 1, "no difference can be told"),
        ([0.60, 0.61, 0.59, 0.60], 2, "worse"),
    ],
)
def test_a_gain_is_told_only_where_the_interval_leaves_out_zero(given, choice, words):
    without = trained([0.70, 0.70, 0.70, 0.70], p=0.0)
    outcome = rate._gain(0.5, without, trained(given))
    assert outcome.choice == choice
    assert outcome.text.endswith(f"{words}.")


def test_at_p_0_no_gain_can_be_told_anywhere():
    blocks = run_step(SECTION, "where", p=0.0, width=16, epochs=5)
    assert outcome_of(blocks).choice == len(CONDITIONS)
    assert grows(all_of(blocks, "conditions"))
    for condition in CONDITIONS:
        without, given, difference, verdict = texts_of(last_of(blocks, "table"), condition.name)
        assert without == given
        assert difference.startswith("+0.0 points")
        assert verdict == "no difference can be told"


def test_the_largest_gain_is_that_of_those_that_can_be_told():
    def compared(index, given):
        return Compared(CONDITIONS[index], tuple(trained([0.5] * 3)), tuple(trained(given)))

    found = [
        compared(0, [0.51, 0.51, 0.51]),
        compared(1, [0.60, 0.60, 0.61]),
        compared(2, [0.20, 0.99, 0.99]),
        compared(3, [0.52, 0.52, 0.52]),
    ]
    assert rate_conditions._largest(0.5, found).choice == 1


def test_the_conditions_are_the_choices_in_order():
    (step,) = [step for step in SECTION.steps if step.name == "where"]
    choices = step.prediction.choices
    assert len(choices) == len(CONDITIONS) + 1
    for condition, choice in zip(CONDITIONS, choices, strict=False):
        assert choice.lower().startswith(condition.name.split(",", maxsplit=1)[0])
        assert ("wrong" in choice) == bool(condition.label_noise)


def test_the_lines_of_the_rates_are_trainings_as_the_comparison_makes_them():
    blocks = run_step(SECTION, "early-epochs", **{**SMALL, "epochs": 10})
    charts = all_of(blocks, "curves")
    assert grows(charts)
    curves = {p: by_comparison(p, 0, 10)["validation_nll"] for p in rate.RATES}
    for p, curve in curves.items():
        assert series_of(charts[-1], f"p = {p:g}").y == pytest.approx(curve, abs=1e-4)
    first, last = (min(curves, key=lambda p: curves[p][epoch]) for epoch in (0, -1))
    assert outcome_of(blocks).choice == (0 if first == last else 1 if last > first else 2)


@pytest.mark.parametrize(("low", "high", "choice"), [(0.1, 0.5, 0), (0.9, 0.2, 1)])
def test_who_leads_follows_from_the_curves(low, high, choice):
    curves = {0.0: [(0.3, 0.5), (low, 0.5)], 0.5: [(0.6, 0.5), (high, 0.5)]}
    assert rate_epochs._who_leads(curves, 1).choice == choice
    swapped = {0.5: curves[0.0], 0.0: curves[0.5]}
    assert rate_epochs._who_leads(swapped, 1).choice == (2 if choice else 0)
