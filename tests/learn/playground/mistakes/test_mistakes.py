import pytest

from learn.playground.runs import codes_of, trained
from wolfsbane.audit import all_rules
from wolfsbane.learn.playground.mistakes import MISTAKES, find_mistake
from wolfsbane.learn.playground.program import sound_program_of
from wolfsbane.learn.playground.setup import Setup

NAMES = [mistake.name for mistake in MISTAKES]
ODD = {
    "order": ["dropout", "activation", "norm", "linear"],
    "p": 0.0,
    "norm": "none",
    "activation": "none",
    "width": 2,
    "num_hidden": 1,
    "num_examples": 32,
    "batch_size": 1,
    "epochs": 1,
}
"""The network that is furthest from what most mistakes need."""


def test_the_menu_has_each_mistake_once_and_each_is_about_a_rule():
    rules = {rule.code for rule in all_rules()}
    assert len(NAMES) == len(set(NAMES)) >= 14
    assert {mistake.rule for mistake in MISTAKES} <= rules
    assert len({mistake.rule for mistake in MISTAKES}) == len(MISTAKES)


def test_no_mistake_is_no_mistake():
    assert find_mistake("") is None


@pytest.mark.parametrize("given", [{"epochs": 10}, ODD], ids=["default", "odd"])
@pytest.mark.parametrize("mistake", MISTAKES, ids=NAMES)
def test_the_auditor_names_the_mistake_and_it_has_a_consequence(mistake, given):
    shown = trained(mistake=mistake.name, **given)
    assert mistake.rule in codes_of(shown)
    assert f"The auditor names the mistake: {mistake.rule}" in shown["summary"].text
    if "error" in shown:
        assert shown["error"].error.splitlines()[-1] in shown["summary"].text
        return
    series = {each.name: each.y for each in shown["loss"].series}
    assert len(series["training, sound"]) == len(series["training, broken"])
    assert series["training, sound"] != series["training, broken"]


@pytest.mark.parametrize("mistake", MISTAKES, ids=NAMES)
def test_the_setup_that_a_mistake_needs_needs_nothing_more(mistake):
    needed = mistake.needs(Setup())
    assert mistake.needs(needed) == needed
    assert mistake.broken(needed, sound_program_of) != sound_program_of(needed)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("dropout-rate-as-percentage", "dropout probability has to be between 0 and 1"),
        ("dropout-unknown-argument", "unexpected keyword argument 'rate'"),
        ("one-value-per-channel", "Expected more than 1 value per channel when training"),
        ("in-place-breaks-gradient", "modified by an inplace operation"),
    ],
)
def test_where_torch_raises_its_own_error_is_shown(name, error):
    shown = trained(mistake=name, epochs=2)
    assert error in shown["error"].error
    assert "program.py" in shown["error"].error
    assert "wolfsbane/" not in shown["error"].error
