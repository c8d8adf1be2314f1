"""Wrong labels: what is memorised, when, by what width and from how many examples."""

import pytest
import torch

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
from wolfsbane.experiment.training import AdamW, train_variant
from wolfsbane.experiment.variants import make_variants
from wolfsbane.learn.blocks import Progress
from wolfsbane.learn.experiments import capacity
from wolfsbane.learn.experiments.memorising import Curves, _which_first
from wolfsbane.learn.sections.memorising import SECTION

SMALL = {"train_size": 60, "width": 64, "epochs": 40}


@pytest.fixture(scope="module")
def noisy():
    return run_step(SECTION, "noisy-labels", **SMALL, label_noise=0.4)


def test_with_wrong_labels_a_wide_network_ends_above_the_share_of_right_ones(noisy):
    assert outcome_of(noisy).choice == 0


def test_without_wrong_labels_it_ends_at_their_share():
    blocks = run_step(SECTION, "noisy-labels", **SMALL, label_noise=0.0)
    assert outcome_of(blocks).choice == 1
    assert not all_of(blocks, "examples")


def test_after_one_epoch_it_is_below_the_share_of_right_labels():
    settings = {**SMALL, "epochs": 1, "label_noise": 0.1}
    assert outcome_of(run_step(SECTION, "noisy-labels", **settings)).choice == 2


def test_the_curves_are_those_of_a_training_by_the_comparison(noisy):
    data = add_label_noise(split(load("digits"), 60, 0), 0.4, 0)
    (variant,) = make_variants({"a": {"hidden": 64}})
    curves = train_variant(variant, data, 0, AdamW(40), lambda: None).curves
    chart = last_of(noisy, "accuracy")
    assert series_of(chart, "training").y == pytest.approx(curves["train_accuracy"], abs=1e-4)
    assert series_of(chart, "test").y == pytest.approx(curves["test_accuracy"], abs=1e-4)
    assert set(series_of(chart, "share of right").y) == {0.6}


def test_the_chart_grows_to_the_last_epoch_and_progress_comes_after_each(noisy):
    charts = all_of(noisy, "accuracy")
    assert grows(charts)
    assert series_of(charts[-1], "test").x[-1] == 40
    done = [block.done for block in noisy if isinstance(block, Progress)]
    assert done == list(range(41))


def test_the_table_shows_wrong_labels_beside_true_classes(noisy):
    rows = last_of(noisy, "examples").rows
    assert len(rows) == 6
    assert all(cells[1].text != cells[2].text for cells in rows)
    for cells in rows:
        assert (cells[4].text == cells[2].text) == (cells[4].mark == "worse")
        assert (cells[4].text == cells[1].text) == (cells[4].mark == "better")


def test_the_same_seed_gives_the_same_blocks_and_another_seed_others(noisy):
    again = run_step(SECTION, "noisy-labels", **SMALL, label_noise=0.4)
    assert again == noisy
    other = run_step(SECTION, "noisy-labels", **SMALL, label_noise=0.4, seed=1)
    assert last_of(other, "accuracy") != last_of(noisy, "accuracy")


def test_right_labels_are_given_back_first():
    blocks = run_step(SECTION, "which-first", train_size=100, epochs=40)
    chart = last_of(blocks, "order")
    halves = [
        next(i for i, share in enumerate(series_of(chart, name).y, 1) if share >= 0.5)
        for name in ("right", "wrong")
    ]
    assert halves[0] < halves[1]
    assert outcome_of(blocks).choice == 0
    assert f"right labels: after epoch {halves[0]}." in outcome_of(blocks).text


@pytest.mark.parametrize(
    ("right", "wrong", "choice"),
    [([0.2, 0.6], [0.1, 0.2], 0), ([0.1, 0.2], [0.2, 0.6], 1), ([0.1, 0.2], [0.1, 0.2], 2)],
)
def test_which_is_first_follows_from_the_curves(right, wrong, choice):
    data = split(load("digits"), 50, 0)
    curves = Curves(data, data, train=[0.1, 0.5], test=[0.1, 0.4], right=right, wrong=wrong)
    assert _which_first(curves).choice == choice


def test_random_labels_are_fitted_by_wide_networks_only():
    blocks = run_step(SECTION, "random-labels", train_size=60)
    assert outcome_of(blocks).choice == 1
    assert grows(all_of(blocks, "random"))
    size, _, train, test = texts_of(last_of(blocks, "widths"), "128")
    assert int(size) == 64 * 128 + 128 + 128 * 10 + 10
    assert train == "100.0%"
    assert float(test.rstrip("%")) < 30


def test_one_epoch_fits_no_random_labels():
    blocks = run_step(SECTION, "random-labels", train_size=60, epochs=1)
    assert outcome_of(blocks).choice == 0


def test_random_labels_are_drawn_anew_for_each_seed():
    torch.manual_seed(0)
    first, second = (
        last_of(run_step(SECTION, "random-labels", train_size=60, epochs=3, seed=seed), "random")
        for seed in (0, 1)
    )
    assert first != second


def test_more_examples_are_parts_of_the_largest_set_and_shrink_the_gap():
    blocks = run_step(SECTION, "more-examples", label_noise=0.0, width=32, epochs=20)
    chart = last_of(blocks, "sizes")
    gaps = series_of(chart, "gap").y
    both = zip(series_of(chart, "training").y, series_of(chart, "test").y, strict=True)
    assert gaps == tuple(train - test for train, test in both)
    assert gaps[-1] < gaps[0]
    assert outcome_of(blocks).choice == 0


@pytest.mark.parametrize(("last", "choice"), [(0.9, 0), (0.61, 1), (0.4, 2)])
def test_the_change_of_the_gap_follows_from_the_accuracies(last, choice):
    assert capacity._gap_change([(1.0, 0.6), (1.0, last)]).choice == choice
