"""What holds for every section: its words fit its experiments, and its claims are true."""

import inspect
from importlib import import_module

import pytest

from wolfsbane.audit.registry import all_rules, rule_of
from wolfsbane.learn import controls
from wolfsbane.learn.items import all_items
from wolfsbane.learn.practice.running import fresh_start, run
from wolfsbane.learn.sections import all_sections

SECTIONS = {section.name: section for section in all_sections()}
STEPS = {
    f"{section.name}/{step.name}": step for section in SECTIONS.values() for step in section.steps
}
CLAIMS = {
    f"{section.name}/{number}": claim
    for section in SECTIONS.values()
    for number, claim in enumerate(section.claims)
}


def test_names_occur_once():
    assert len(SECTIONS) == len(all_sections())
    assert len(STEPS) == sum(len(section.steps) for section in SECTIONS.values())


@pytest.mark.parametrize("name", STEPS)
def test_the_controls_are_the_arguments_of_the_task(name):
    module, function = STEPS[name].task.split(":")
    task = getattr(import_module(f"wolfsbane.learn.experiments.{module}"), function)
    names = {control.name for control in STEPS[name].controls}
    parameters = inspect.signature(task).parameters
    needed = {each for each, how in parameters.items() if how.default is how.empty}
    assert needed <= names <= set(parameters)


@pytest.mark.parametrize("name", STEPS)
def test_every_default_is_a_value_that_its_control_can_have(name):
    defaults = {control.name: control.default for control in STEPS[name].controls}
    assert controls.read(STEPS[name].controls, defaults) == defaults


@pytest.mark.parametrize("name", STEPS)
def test_a_prediction_offers_different_choices(name):
    choices = STEPS[name].prediction.choices
    assert len(choices) > 1
    assert len(set(choices)) == len(choices)


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize("seed", range(5))
def test_a_claim_holds_under_any_seed_and_prints(name, seed):
    with fresh_start(seed):
        ran = run(CLAIMS[name].program)
    assert ran.ended_well, ran.error
    assert ran.output.strip()


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claims_program_asserts_it(name):
    assert "\nassert " in CLAIMS[name].program or "    assert " in CLAIMS[name].program


@pytest.mark.parametrize("name", SECTIONS)
def test_a_sections_rules_exist(name):
    assert [rule_of(code).code for code in SECTIONS[name].rules] == list(SECTIONS[name].rules)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_sections_exercises_exist_and_are_named_once(name):
    names = SECTIONS[name].items
    assert set(names) <= {item.name for item in all_items()}
    assert len(set(names)) == len(names) >= 3  # enough to practise


def test_every_exercise_and_every_rule_belongs_to_a_section():
    assert {item.name for item in all_items()} == named_by("items")
    assert {rule.code for rule in all_rules()} == named_by("rules")


def named_by(part):
    return {each for section in SECTIONS.values() for each in getattr(section, part)}
