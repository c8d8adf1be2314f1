"""All three in one network: what the steps show agrees with what is computed another way."""

import pytest
import torch
from torch import nn

from learn.experiments.step_runs import (
    all_of,
    grows,
    last_of,
    outcome_of,
    run_step,
    series_of,
    texts_of,
)
from wolfsbane.experiment.comparison import Finding as ComparisonFinding
from wolfsbane.experiment.comparison import find, make_plan, run
from wolfsbane.experiment.data import Examples, load
from wolfsbane.experiment.intervals import Estimate, Verdict, judge
from wolfsbane.experiment.measures import SCORES, Epoch
from wolfsbane.experiment.variants import make_variants
from wolfsbane.learn.blocks import Finding, Printed, Table
from wolfsbane.learn.experiments import together, variance_shift
from wolfsbane.learn.experiments.own_module import KEPT
from wolfsbane.learn.sections.together import ORDERS, SECTION

SMALL = {"data": "digits", "seeds": 3, "epochs": 3}


@pytest.fixture(scope="module")
def orders():
    return run_step(SECTION, "order", **SMALL)


@pytest.fixture(scope="module")
def shift():
    return run_step(SECTION, "variance-shift")


def tables_of(blocks):
    return [block for block in blocks if isinstance(block, Table)]


@pytest.mark.parametrize("order", [value for value, _ in ORDERS])
def test_a_network_has_its_pieces_in_the_order_given(order):
    kinds = {nn.BatchNorm1d: "norm", nn.ReLU: "act", nn.Dropout: "drop"}
    modules = list(together.build(order, 20, 3, 0.3))
    assert [kinds[type(module)] for module in modules[1:4]] == order.split("-")
    assert [kinds[type(module)] for module in modules[5:8]] == order.split("-")
    assert modules[4].in_features == together.WIDTH
    assert modules[8].out_features == 3


def test_the_words_of_an_order_are_those_of_the_control():
    for value, label in ORDERS:
        assert together.words(value) == label


def test_each_point_and_the_verdict_are_those_of_a_comparison(orders):
    pool = load("digits")
    plan = make_plan(
        pool,
        make_variants(
            {
                "a": lambda: together.build("norm-act-drop", 64, 10, 0.5),
                "b": lambda: together.build("drop-norm-act", 64, 10, 0.5),
            }
        ),
        3,
        3,
        together.TRAIN_SIZE,
    )
    runs = list(run(plan, lambda _: None))
    for series, name in zip(last_of(orders, "runs").series, "ab", strict=True):
        own = [each.curves["test_nll"][-1] for each in runs if each.variant == name]
        assert list(series.y) == own
    (found,) = [
        each
        for each in find(plan, runs)
        if (each.variant, each.measure.name, each.epoch) == ("b", "nll", Epoch.LAST)
    ]
    expected = {Verdict.HARM: 0, Verdict.NOTHING: 1, Verdict.GAIN: 2}[found.verdict]
    assert outcome_of(orders).choice == expected
    assert f"{found.difference.mean:+.3f}" in outcome_of(orders).text


@pytest.mark.parametrize(
    ("low", "high", "measure", "choice"),
    [
        (0.1, 0.2, "nll", 0),
        (-0.2, 0.2, "nll", 1),
        (-0.2, -0.1, "nll", 2),
        (0.1, 0.2, "accuracy", 2),
        (-0.2, -0.1, "accuracy", 0),
    ],
)
def test_the_outcome_says_which_order_is_better_by_the_measure(low, high, measure, choice):
    found = next(each for each in SCORES if each.name == measure)
    difference = Estimate((low + high) / 2, low, high, 5)
    verdict = judge(difference, found.higher_is_better)
    finding = ComparisonFinding("b", Epoch.LAST, found, difference, difference, verdict)
    assert together._verdict([finding], "b", measure).choice == choice


def test_an_order_compared_with_itself_makes_no_difference():
    blocks = run_step(SECTION, "order", **SMALL, second="norm-act-drop")
    assert outcome_of(blocks).choice == 1
    first, second = last_of(blocks, "runs").series
    assert first.y == second.y


def test_the_points_come_one_training_at_a_time(orders):
    charts = all_of(orders, "runs")
    assert len(charts) == 6
    assert grows(charts)


@pytest.mark.parametrize(
    ("order", "p", "choice"),
    [
        ("drop-norm-act", 0.5, 2),
        ("act-drop-norm", 0.5, 2),
        ("drop-norm-act", 0.2, 1),
        ("norm-act-drop", 0.5, 0),
        ("drop-norm-act", 0.0, 0),
    ],
)
def test_dropout_right_before_batch_norm_shifts_its_variance(order, p, choice):
    blocks = run_step(SECTION, "variance-shift", order=order, p=p)
    assert outcome_of(blocks).choice == choice


def test_the_ratio_of_numbers_with_mean_near_0_is_one_over_the_share_kept(shift):
    assert float(texts_of(tables_of(shift)[0], "first batch norm")[2]) == pytest.approx(2, abs=0.2)


def test_the_charts_last_points_are_the_tables_ratios(shift):
    chart, table = last_of(shift, "shift"), tables_of(shift)[0]
    for name in ("first batch norm", "second batch norm"):
        ratio = series_of(chart, name).y[-1]
        assert texts_of(table, name)[2] == f"{ratio:.2f}"
    assert grows(all_of(shift, "shift"))


def test_a_shift_is_the_running_variance_against_that_of_evaluation():
    torch.manual_seed(0)
    model = together.build("norm-drop-act", 6, 2, 0.5)
    x = torch.randn(50, 6)
    model(x)
    model.eval()
    met = model[0](x)
    learned = model[1].running_var.sum()
    first, second = variance_shift.shifts(model, Examples(x, torch.zeros(50, dtype=torch.int64)))
    assert first.learned == pytest.approx(learned.item())
    assert first.met == pytest.approx(met.var(0).sum().item(), rel=1e-5)
    met = model[:5](x)
    assert second.met == pytest.approx(met.var(0).sum().item(), rel=1e-5)


def test_statistics_taken_again_are_those_that_evaluation_meets():
    torch.manual_seed(0)
    model = together.build("act-drop-norm", 6, 2, 0.5)
    examples = Examples(torch.randn(80, 6), torch.zeros(80, dtype=torch.int64))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    mended = variance_shift.with_statistics_of_evaluation(model, examples)
    for found in variance_shift.shifts(mended, examples):
        assert found.ratio == pytest.approx(1, rel=1e-4)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize(
    ("kept", "choice", "rule"),
    [
        ("attributes", 0, None),
        ("module_list", 0, None),
        ("list", 2, "WB205"),
        ("dict", 2, "WB205"),
        ("forward", 1, "WB105"),
    ],
)
def test_what_a_module_has_registered_is_what_eval_reaches(kept, choice, rule):
    blocks = run_step(SECTION, "own-module", kept=kept)
    (printed,) = [block for block in blocks if isinstance(block, Printed)]
    assert not printed.error
    assert f"equal: {choice == 0}" in printed.output
    findings = [block for block in blocks if isinstance(block, Finding)]
    assert [each.code for each in findings] == ([rule] if rule else [])
    assert outcome_of(blocks).choice == choice
    modes = [row[2].text for row in tables_of(blocks)[0].rows]
    assert outcome_of(blocks).text.startswith(
        f"After `model.eval()`, {modes.count('training')} of {len(modes)} "
    )


def test_every_way_to_keep_layers_is_offered():
    own = next(step for step in SECTION.steps if step.name == "own-module")
    assert {value for value, _ in own.controls[0].options} == set(KEPT)
