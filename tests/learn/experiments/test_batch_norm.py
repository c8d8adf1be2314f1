"""Batch norm as numbers, its running statistics, and convergence with it and without."""

import math

import pytest
import torch
from torch.nn import functional as F

from learn.experiments.step_runs import (
    all_of,
    grows,
    last_of,
    outcome_of,
    run_step,
    series_of,
    texts_of,
)
from wolfsbane.experiment.data import load, split
from wolfsbane.experiment.metrics import Scores
from wolfsbane.experiment.training import AdamW, train_variant
from wolfsbane.experiment.variants import make_variants
from wolfsbane.learn.blocks import Printed
from wolfsbane.learn.experiments import batch_norm, convergence
from wolfsbane.learn.experiments.convergence import Found
from wolfsbane.learn.sections.batch_norm import SECTION


def numbers(table, prefix):
    rows = [row for row in table.rows if row[0].text.startswith(prefix)]
    return torch.tensor([[float(cell.text) for cell in row[1:]] for row in rows])


@pytest.mark.parametrize(("weight", "bias"), [(1.0, 0.0), (2.0, -3.0)])
def test_each_column_comes_out_with_the_mean_and_variance_of_bias_and_weight(weight, bias):
    blocks = run_step(SECTION, "normalise", batch_size=8, weight=weight, bias=bias)
    batch, output = (numbers(last_of(blocks, key), "example") for key in ("in", "out"))
    by_hand = (batch - batch.mean(0)) / batch.std(0, correction=0) * weight + bias
    assert torch.allclose(output, by_hand, atol=0.05)
    table = last_of(blocks, "out")
    assert numbers(table, "mean").tolist() == [[bias] * 4]
    assert numbers(table, "variance").flatten().tolist() == pytest.approx([weight**2] * 4, rel=0.01)
    assert outcome_of(blocks).choice == 0


def test_what_was_normalised_over_follows_from_the_output():
    batch = torch.tensor([[1.0, 20.0], [2.0, 25.0], [4.0, 21.0]])
    assert (
        batch_norm._normalised_over(batch, F.batch_norm(batch, None, None, training=True)).choice
        == 0
    )
    assert batch_norm._normalised_over(batch, F.layer_norm(batch, (2,))).choice == 1
    overall = (batch - batch.mean()) / batch.std(correction=0)
    assert batch_norm._normalised_over(batch, overall).choice == 2


@pytest.mark.parametrize("step", ["normalise", "running-statistics", "two-modes"])
def test_the_same_seed_gives_the_same_tables_and_another_seed_others(step):
    def shown(seed):
        blocks = run_step(SECTION, step, seed=seed)
        return [block for block in blocks if not isinstance(block, Printed)]

    assert shown(1) == shown(1)
    assert shown(1) != shown(2)


@pytest.mark.parametrize(
    ("momentum", "steps", "choice"), [(0.01, 10, 0), (0.1, 10, 1), (0.5, 20, 2)]
)
def test_how_far_the_running_mean_comes_depends_on_momentum(momentum, steps, choice):
    blocks = run_step(SECTION, "running-statistics", momentum=momentum, steps=steps, batch_size=64)
    assert outcome_of(blocks).choice == choice
    way = 1 - (1 - momentum) ** steps
    last = series_of(last_of(blocks, "mean"), "running mean").y[-1]
    assert last == pytest.approx(5 * way, abs=0.5)


def test_the_buffers_are_what_the_definition_gives():
    blocks = run_step(SECTION, "running-statistics", momentum=0.3, steps=12, batch_size=4)
    mean, variance = (last_of(blocks, key) for key in ("mean", "variance"))
    assert grows(all_of(blocks, "mean"))
    pairs = (
        (series_of(mean, "running"), series_of(mean, "mean of the batch")),
        (series_of(variance, "running"), series_of(variance, "variance of the batch")),
    )
    for running, batches in pairs:
        value = running.y[0]
        for shown, batch in zip(running.y[1:], batches.y, strict=True):
            value = 0.7 * value + 0.3 * batch
            assert shown == pytest.approx(value, abs=1e-3)
    for row in last_of(blocks, "steps").rows:
        _, _, running_mean, by_hand, biased, unbiased, running_var, var_by_hand = (
            cell.text for cell in row
        )
        assert (running_mean, running_var) == (by_hand, var_by_hand)
        assert float(unbiased) == pytest.approx(float(biased) * 4 / 3, abs=0.01)


def test_evaluation_uses_the_running_statistics():
    blocks = run_step(SECTION, "two-modes", steps=3, batch_size=6)
    table = next(block for block in blocks if getattr(block, "caption", "").startswith("The same"))
    statistics = last_of(blocks, "statistics")
    trained, evaluated = table.rows[0::2], table.rows[1::2]
    of_batch = [
        texts_of(statistics, name)
        for name in ("mean of this batch: training", "variance of this batch: training")
    ]
    running = [
        texts_of(statistics, name)
        for name in ("running mean: evaluation", "running variance: evaluation")
    ]
    for training_row, evaluation_row in zip(trained, evaluated, strict=True):
        for column in range(4):
            mean, variance = (float(texts[column]) for texts in of_batch)
            old_mean, old_variance = (float(texts[column]) for texts in running)
            value = float(training_row[column + 1].text) * math.sqrt(variance) + mean
            expected = (value - old_mean) / math.sqrt(old_variance)
            assert float(evaluation_row[column + 1].text) == pytest.approx(expected, abs=0.15)


def test_the_modes_come_nearer_with_steps():
    few = run_step(SECTION, "two-modes", steps=2, batch_size=256)
    many = run_step(SECTION, "two-modes", steps=300, batch_size=256)
    assert outcome_of(few).choice == 2
    assert outcome_of(many).choice == 1
    assert len(series_of(last_of(many, "difference"), "largest").y) == 301


def test_how_different_the_modes_are_follows_from_the_difference():
    choices = [batch_norm._how_different(each, 1).choice for each in (0.0005, 0.3, 0.6)]
    assert choices == [0, 1, 2]


def test_a_batch_of_one_raises_torchs_own_error():
    (printed,) = all_of(run_step(SECTION, "two-modes"), "one")
    assert printed.output.startswith("in evaluation: tensor(")
    with pytest.raises(ValueError, match="more than 1 value per channel") as caught:
        torch.nn.BatchNorm1d(4)(torch.ones(1, 4))
    assert str(caught.value) in printed.error


@pytest.fixture(scope="module")
def compared():
    return run_step(SECTION, "convergence", train_size=60, depth=2, epochs=5, method="adamw")


def by_comparison(has_norm, rate, seed):
    (variant,) = make_variants({"a": {"batchnorm": has_norm, "hidden": 64, "layers": 2}})
    data = split(load("digits"), 60, seed)
    return train_variant(variant, data, seed, AdamW(5, learning_rate=rate), lambda: None).curves


@pytest.mark.parametrize("has_norm", [False, True])
def test_losses_and_curves_are_those_of_trainings_by_the_comparison(compared, has_norm):
    name = convergence.NAMES[has_norm]
    rates = series_of(last_of(compared, "rates"), name)
    losses = [
        sum(by_comparison(has_norm, rate, seed)["validation_nll"][-1] for seed in (0, 1)) / 2
        for rate in rates.x
    ]
    assert rates.y == pytest.approx(losses, abs=1e-4)
    chosen = rates.x[losses.index(min(losses))]
    curve = series_of(last_of(compared, "curves"), name)
    assert curve.name == f"{name}, learning rate {chosen:g}"
    runs = [by_comparison(has_norm, chosen, seed)["test_accuracy"] for seed in (2, 3, 4, 5)]
    means = [sum(values) / 4 for values in zip(*runs, strict=True)]
    assert curve.y == pytest.approx(means, abs=1e-4)
    assert curve.lower == pytest.approx(
        [min(values) for values in zip(*runs, strict=True)], abs=1e-4
    )


def test_the_charts_grow_by_a_learning_rate_and_by_a_seed(compared):
    rates = all_of(compared, "rates")
    assert grows(rates)
    assert len(rates) == len(convergence.LEARNING_RATES["adamw"])
    assert len(all_of(compared, "curves")) == convergence.NUM_PROOFS


def test_a_learning_rate_that_diverged_is_not_chosen():
    assert (
        convergence.best_rate({0.1: [0.5, 0.7], 1.0: [math.nan, 0.1], 2.0: [math.inf] * 2}) == 0.1
    )


@pytest.mark.parametrize(
    ("with_norm", "choice"), [([2, 2, 2, 2], 0), ([5, 6, 7, 8], 1), ([9, 9, 9, 9], 2)]
)
def test_which_converges_first_follows_from_the_epochs(with_norm, choice):
    def curves(epochs):
        return [
            [Scores(0.9 if at >= epoch else 0.1, 1.0) for at in range(1, 11)] for epoch in epochs
        ]

    found = {
        False: Found(chosen=0.1, curves=curves([6, 6, 6, 6])),
        True: Found(chosen=0.1, curves=curves(with_norm)),
    }
    assert convergence._which_first(found).choice == choice


def test_an_accuracy_that_is_not_reached_counts_as_one_epoch_more():
    curve = [Scores(0.5, 1.0), Scores(0.8, 1.0)]
    assert [convergence.first_epoch(curve, target) for target in (0.4, 0.8, 0.9)] == [1, 2, 3]
