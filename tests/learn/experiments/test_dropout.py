"""Dropout as numbers: each figure is that of torch, and the outcomes follow from them."""

import pytest
import torch
from torch import nn

from learn.experiments.step_runs import (
    all_of,
    grows,
    last_of,
    marks_of,
    outcome_of,
    run_step,
    series_of,
    texts_of,
)
from wolfsbane.learn.blocks import Mark
from wolfsbane.learn.experiments import dropout, monte_carlo
from wolfsbane.learn.sections.dropout import SECTION


def floats(texts):
    return [float(text) for text in texts]


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_tables_output_is_mask_times_value_over_what_is_kept(p):
    blocks = run_step(SECTION, "train-and-eval", p=p, values="digits")
    table = last_of(blocks, "modes")
    for name in ("example 1", "example 2", "example 3"):
        values = floats(texts_of(table, f"{name}, value"))
        mask = floats(texts_of(table, f"{name}, mask"))
        scaled = [m * x / (1 - p) for m, x in zip(mask, values, strict=True)]
        assert floats(texts_of(table, f"{name}, in training")) == pytest.approx(scaled, abs=0.006)
        assert floats(texts_of(table, f"{name}, in evaluation")) == values
        marks = [Mark.KEPT if each else Mark.DROPPED for each in mask]
        assert marks_of(table, f"{name}, in training") == marks
    assert outcome_of(blocks).choice == 2


def test_the_sources_example_is_really_run():
    printed = last_of(run_step(SECTION, "train-and-eval", p=0.5, seed=11), "source")
    torch.manual_seed(11)
    expected = nn.Dropout(0.5)(torch.ones(4))
    assert printed.output == f"{expected}\n{torch.ones(4)}\n"
    assert not printed.error


def test_the_two_masks_are_two_draws_under_the_seed():
    table = last_of(run_step(SECTION, "train-and-eval", p=0.5, seed=4), "masks")
    torch.manual_seed(4)
    layer = nn.Dropout(0.5)
    for call in ("call 1", "call 2"):
        mask = layer(torch.ones(3, 6))[0] != 0
        assert floats(texts_of(table, call)) == mask.float().tolist()


@pytest.mark.parametrize(("scale", "choice"), [(1.0, 0), (0.75, 1), (4 / 3, 2)])
def test_what_became_of_kept_values_follows_from_the_output(scale, choice):
    batch = torch.tensor([[1.0, 2.0, 3.0]])
    output = scale * torch.tensor([[0.0, 2.0, 3.0]])
    assert dropout._scale(0.25, batch, [output]).choice == choice


def test_one_kept_value_is_told_as_one():
    output, gradient = torch.tensor([0.0, 0.0, 60.0]), torch.tensor([0.0, 0.0, 10.0])
    assert dropout._gradient_of_dropped(output, gradient).text == (
        "Each dropped value (2 of 3) gets a gradient of 0, each kept one 10."
    )


@pytest.mark.parametrize("step", ["train-and-eval", "expectation", "backward"])
def test_the_same_seed_gives_the_same_blocks_and_another_seed_others(step):
    first, again, other = (run_step(SECTION, step, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_mean_over_masks_nears_the_value():
    blocks = run_step(SECTION, "expectation", p=0.5, masks=2000, seed=3)
    chart = last_of(blocks, "mean")
    assert grows(all_of(blocks, "mean"))
    torch.manual_seed(3)
    outputs = nn.Dropout(0.5)(torch.tensor([1.0, 2.0, 3.0, 4.0]).repeat(2000, 1))
    shown = [series.y[-1] for series in chart.series]
    assert shown == pytest.approx(outputs.mean(0).tolist(), abs=1e-4)
    assert series_of(chart, "value 1").x[-1] == 2000
    assert outcome_of(blocks).choice == 1


@pytest.mark.parametrize(("factor", "choice"), [(0.6, 0), (1.02, 1), (1.6, 2)])
def test_which_mean_it_is_follows_from_the_means(factor, choice):
    values = torch.tensor([1.0, 2.0])
    assert dropout._which_mean(0.4, values, factor * values, values).choice == choice


@pytest.mark.parametrize("p", [0.1, 0.9])
def test_the_gradient_is_the_mask_over_what_is_kept(p):
    blocks = run_step(SECTION, "backward", p=p)
    table = last_of(blocks, "gradient")
    dropped = [output == 0 for output in floats(texts_of(table, "output"))]
    assert True in dropped
    assert False in dropped
    expected = [0.0 if is_dropped else 1 / (1 - p) for is_dropped in dropped]
    assert floats(texts_of(table, "gradient")) == pytest.approx(expected, abs=0.006)
    assert outcome_of(blocks).choice == 0


@pytest.mark.parametrize(("gradient", "choice"), [(0.0, 0), (1.0, 1), (2.0, 2)])
def test_what_dropped_values_get_follows_from_the_gradient(gradient, choice):
    output = torch.tensor([0.0, 6.0])
    outcome = dropout._gradient_of_dropped(output, torch.tensor([gradient, 2.0]))
    assert outcome.choice == choice


def test_dropout_left_on_changes_answers_unless_p_is_0():
    off = run_step(SECTION, "left-on", p=0.0, masks=3)
    assert outcome_of(off).choice == 0
    rows = [row[1:] for row in last_of(off, "compared").rows]
    assert rows[0] == rows[1] == rows[2]
    on = run_step(SECTION, "left-on", p=0.5, masks=20)
    assert outcome_of(on).choice == 2
    assert sum(last_of(on, "histogram").series[0].y) == 20


def test_other_probabilities_need_not_be_another_class():
    first = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    assert monte_carlo._twice(torch.stack([first, first])).choice == 0
    other = torch.tensor([[0.8, 0.2], [0.2, 0.8]])
    assert monte_carlo._twice(torch.stack([first, other])).choice == 1
