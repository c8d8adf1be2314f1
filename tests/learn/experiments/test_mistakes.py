"""What goes wrong: every rule's programs are run and audited, and two mistakes have their price."""

import math

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
from wolfsbane.audit import all_rules
from wolfsbane.experiment.data import load, split
from wolfsbane.experiment.networks import NetworkOptions
from wolfsbane.learn.blocks import Finding, Printed, Progress, Table, Text
from wolfsbane.learn.experiments import live_mistakes, mistakes
from wolfsbane.learn.experiments.live_mistakes import FORGOTTEN, RESTORED, Watched
from wolfsbane.learn.experiments.trainings import build, measure
from wolfsbane.learn.sections.mistakes import SECTION
from wolfsbane.learn.sections.rules import RULES

SMALL = {"epochs": 4, "data": "digits"}


@pytest.fixture(scope="module")
def forgotten():
    return run_step(SECTION, "forgotten-train", **SMALL)


def test_the_controls_rules_are_those_that_there_are():
    assert tuple((rule.code, rule.name) for rule in all_rules()) == RULES


@pytest.mark.parametrize("rule", [code for code, _ in RULES])
def test_a_mistake_is_found_and_its_repaired_twin_is_not_reported(rule):
    blocks = list(mistakes.one_mistake(rule))
    bad, good = (place for place, block in enumerate(blocks) if isinstance(block, Printed))
    found = [place for place, block in enumerate(blocks) if isinstance(block, Finding)]
    assert found
    assert all(bad < place < good for place in found)
    assert {blocks[place].code for place in found} == {rule}
    assert not blocks[good].error
    assert blocks[bad].program != blocks[good].program
    nothing = "The auditor finds nothing in the repaired program."
    assert blocks[-2] == Text(nothing)
    choice = outcome_of(blocks).choice
    assert (choice == 0) == bool(blocks[bad].error)
    assert (choice == 1) == (not blocks[bad].error and "Warning: " in blocks[bad].output)


@pytest.mark.parametrize(
    ("rule", "choice"), [("WB106", 0), ("WB407", 0), ("WB110", 1), ("WB201", 2), ("WB104", 2)]
)
def test_torch_raises_warns_or_says_nothing(rule, choice):
    assert outcome_of(run_step(SECTION, "one-mistake", rule=rule)).choice == choice


def test_a_findings_line_is_one_of_the_program_shown():
    blocks = run_step(SECTION, "one-mistake", rule="WB203")
    bad = next(block for block in blocks if isinstance(block, Printed))
    (finding,) = [block for block in blocks if isinstance(block, Finding)]
    assert "model" in bad.program.splitlines()[finding.line - 1]


def test_a_program_that_is_shown_has_no_line_that_does_nothing():
    for rule in all_rules():
        for example in mistakes.examples_of(rule):
            program = mistakes.program_of(example)
            assert "\n" in program
            assert "pass" not in [line.strip() for line in program.splitlines()]


@pytest.mark.parametrize("family", ["WB", "WB2", "WB9"])
def test_the_table_has_every_rule_of_the_family_and_grows_by_one(family):
    blocks = run_step(SECTION, "all-mistakes", family=family)
    expected = [code for code, _ in RULES if code.startswith(family)]
    tables = all_of(blocks, "rules")
    assert [len(table.rows) for table in tables] == list(range(1, len(expected) + 1))
    rows = tables[-1].rows
    assert [row[0].text for row in rows] == expected
    assert all(row[4].text.startswith("found") for row in rows)
    heard = sum(row[3].text != "nothing" for row in rows)
    assert f"torch itself noticed something in {heard}," in outcome_of(blocks).text
    assert outcome_of(blocks).choice == (0 if not heard else 1 if heard <= len(rows) / 4 else 2)


def test_both_loops_differ_in_one_line_alone():
    right, wrong = ([line.strip() for line in each.splitlines()] for each in (RESTORED, FORGOTTEN))
    assert sorted(right) == sorted(wrong)
    assert wrong.index("model.train()") < wrong.index("for epoch in range(epochs):")
    assert right.index("model.train()") > right.index("for epoch in range(epochs):")


def trained_by_hand(forgets, p, epochs):
    data = split(load("digits"), live_mistakes.TRAIN_SIZE, 0)
    model = build(NetworkOptions(dropout=p, hidden=128), data, 0)
    optimizer = torch.optim.AdamW(model.parameters())
    torch.manual_seed(0)
    for epoch in range(epochs):
        model.train(not forgets or epoch == 0)
        for index in torch.randperm(len(data.train)).split(live_mistakes.BATCH_SIZE):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(data.train.x[index]), data.train.y[index]).backward()
            optimizer.step()
    return measure(model, data.train).nll, measure(model, data.test).accuracy


@pytest.mark.parametrize(("forgets", "name"), [(False, "train() in each"), (True, "train() once")])
def test_the_losses_are_those_of_a_plain_loop(forgotten, forgets, name):
    loss, accuracy = trained_by_hand(forgets, 0.5, 4)
    shown = series_of(last_of(forgotten, "losses"), f"training, {name}")
    assert shown.y[-1] == pytest.approx(loss, rel=1e-5)
    table = next(block for block in forgotten if isinstance(block, Table))
    assert texts_of(table, "test accuracy")[forgets] == f"{100 * accuracy:.1f}%"


def test_the_auditor_reports_the_loop_that_forgets_and_names_its_line(forgotten):
    (finding,) = [block for block in forgotten if isinstance(block, Finding)]
    assert finding.code == "WB201"
    assert FORGOTTEN.splitlines()[finding.line - 1].strip() == "model.eval()"
    words = [block.text for block in forgotten if isinstance(block, Text)]
    assert words == ["train() in each epoch: the auditor watched this training, and found nothing."]


def test_the_charts_of_losses_grow_and_progress_counts_both_trainings(forgotten):
    assert grows(all_of(forgotten, "losses"))
    done = [block.done for block in forgotten if isinstance(block, Progress)]
    assert done == list(range(9))


def test_without_dropout_and_batch_norm_both_loops_are_the_same():
    blocks = run_step(SECTION, "forgotten-train", **SMALL, p=0)
    once, each = (
        series_of(last_of(blocks, "losses"), f"training, {name}").y
        for name in ("train() once", "train() in each")
    )
    assert once == each
    assert outcome_of(blocks).choice == 1


@pytest.mark.parametrize(("got", "choice"), [(0.5, 0), (0.98, 1), (1.02, 1), (2.0, 2)])
def test_the_choice_follows_the_training_losses(got, choice):
    right, wrong = Watched("right", [1.0], [1.0], [0.9]), Watched("wrong", [got], [1.0], [0.9])
    assert live_mistakes._forgotten_outcome(right, wrong).choice == choice


@pytest.mark.parametrize("data", ["digits", "spam"])
def test_behind_softmax_the_loss_stays_above_its_floor(data):
    blocks = run_step(SECTION, "before-the-loss", data=data, epochs=20)
    chart = last_of(blocks, "losses")
    curve = series_of(chart, "Softmax").y
    classes = {"digits": 10, "spam": 2}[data]
    floor = -math.log(math.e / (math.e + classes - 1))
    assert series_of(chart, "least").y == pytest.approx((floor,) * 20)
    assert min(curve) > floor
    assert series_of(chart, "logits").y[-1] < floor
    assert outcome_of(blocks).choice == (0 if min(curve) < 0.1 else 1 if min(curve) < 1 else 2)
    assert [b.code for b in blocks if isinstance(b, Finding)] == ["WB401"]


@pytest.mark.parametrize("end", ["log_softmax", "none"])
def test_log_softmax_before_the_loss_changes_nothing(end):
    blocks = run_step(SECTION, "before-the-loss", end=end, **SMALL)
    first, second, _ = last_of(blocks, "losses").series
    assert second.y == pytest.approx(first.y, rel=1e-3)
    assert not [block for block in blocks if isinstance(block, Finding)]


def test_relu_on_the_logits_is_reported():
    blocks = run_step(SECTION, "before-the-loss", end="relu", **SMALL)
    assert [block.code for block in blocks if isinstance(block, Finding)] == ["WB403"]
