"""What a page may ask for: each kind becomes a job, and each mistake a sentence."""

import re

import pytest

from wolfsbane.errors import ArgumentError
from wolfsbane.learn.items import all_items
from wolfsbane.learn.playground.setup import Setup
from wolfsbane.learn.practice.item import Question, Repair
from wolfsbane.learn.sections import all_sections
from wolfsbane.learn.server.asking import LONGEST_PROGRAM, read_request
from wolfsbane.learn.workers.job import STUDENTS_LIMITS, Job

SECTION = all_sections()[0]
STEP = SECTION.steps[0]
QUESTION = next(item for item in all_items() if isinstance(item, Question))
REPAIR = next(item for item in all_items() if isinstance(item, Repair))


@pytest.mark.parametrize("section", all_sections(), ids=lambda section: section.name)
def test_every_step_can_be_asked_for_as_it_stands(section):
    for step in section.steps:
        asked = read_request({"kind": "step", "section": section.name, "step": step.name})
        defaults = {control.name: control.default for control in step.controls}
        assert asked.job == Job(f"experiments.{step.task}", defaults)
        assert not asked.item


def test_a_students_program_is_confined():
    asked = read_request({"kind": "program", "program": "print(1)"})
    assert asked.job == Job(
        "practice.grading:run_program",
        {"program": "print(1)"},
        is_confined=True,
        limits=STUDENTS_LIMITS,
    )
    assert asked.program is None


@pytest.mark.parametrize("item", all_items(), ids=lambda item: item.name)
def test_every_exercise_can_be_tried(item):
    if isinstance(item, Question):
        last = len(item.choices) - 1
        asked = read_request({"kind": "question", "item": item.name, "choice": last})
        job = Job("practice.grading:grade_question", {"item": item.name, "choice": last})
        assert (asked.job, asked.item, asked.program) == (job, item.name, None)
        return
    asked = read_request({"kind": "repair", "item": item.name, "program": item.program})
    assert asked.job.task == "practice.grading:grade_repair"
    assert asked.job.arguments == {"item": item.name, "program": item.program}
    assert asked.job.is_confined
    assert (asked.item, asked.program) == (item.name, item.program)


@pytest.mark.parametrize(
    ("kind", "task"),
    [
        ("inspect", "playground.inspection:inspect"),
        ("training", "playground.training:train"),
    ],
)
def test_the_playgrounds_setup_is_checked_and_completed(kind, task):
    asked = read_request({"kind": kind, "setup": {"p": 0.5}})
    assert asked.job == Job(task, Setup(p=0.5).as_json())


A_STEP = {"kind": "step", "section": SECTION.name, "step": STEP.name}
MISTAKES = {
    "no object": ([1], "a run is asked for by a JSON object, but got [1]"),
    "nothing": (None, "a run is asked for by a JSON object, but got None"),
    "no kind": ({}, "kind has to be one of step, program, question, repair, inspect, training"),
    "unknown kind": ({"kind": "shell"}, "but got 'shell'"),
    "a list as kind": ({"kind": ["step"]}, "but got ['step']"),
    "a key too many": (
        {"kind": "program", "program": "", "limits": {}},
        "unknown key 'limits'. A program is asked for by program",
    ),
    "no section": ({"kind": "step", "step": "x"}, "section has to be text, but got None"),
    "unknown section": (
        {"kind": "step", "section": "x", "step": "y"},
        f"no section is called 'x'. There are: {SECTION.name}",
    ),
    "unknown step": (
        {**A_STEP, "step": "y"},
        f"no step of {SECTION.name} is called 'y'. There are: {STEP.name}",
    ),
    "controls in a list": ({**A_STEP, "controls": []}, "controls has to be a JSON object"),
    "unknown control": ({**A_STEP, "controls": {"__class__": 1}}, "unknown setting '__class__'"),
    "number as program": ({"kind": "program", "program": 3}, "program has to be text, but got 3"),
    "long program": (
        {"kind": "program", "program": "x" * (LONGEST_PROGRAM + 1)},
        "a program may have 20,000 characters, but this one has 20,001",
    ),
    "half a character": ({"kind": "program", "program": "'\ud800'"}, "no Python program can have"),
    "no character": ({"kind": "program", "program": "\0"}, "no Python program can have"),
    "unknown item": (
        {"kind": "question", "item": "../x", "choice": 0},
        "no exercise is called '../x'",
    ),
    "a repair answered as a question": (
        {"kind": "question", "item": REPAIR.name, "choice": 0},
        f"{REPAIR.name} is a repair; it cannot be answered as a question",
    ),
    "a question answered as a repair": (
        {"kind": "repair", "item": QUESTION.name, "program": ""},
        f"{QUESTION.name} is a question; it cannot be answered as a repair",
    ),
    "no choice": ({"kind": "question", "item": QUESTION.name}, "choice has to be a whole number"),
    "unknown setting": ({"kind": "inspect", "setup": {"x": 1}}, "unknown setting 'x'"),
    "setup in words": ({"kind": "training", "setup": "best"}, "setup has to be a JSON object"),
}


@pytest.mark.parametrize(("given", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named(given, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        read_request(given)


@pytest.mark.parametrize("choice", [-1, len(QUESTION.choices), True, 0.0, "0"])
def test_a_choice_out_of_range_is_refused(choice):
    last = len(QUESTION.choices) - 1
    with pytest.raises(ArgumentError, match=f"whole number from 0 to {last}, but got {choice!r}"):
        read_request({"kind": "question", "item": QUESTION.name, "choice": choice})


def test_what_was_given_is_quoted_in_brief():
    with pytest.raises(ArgumentError) as caught:
        read_request({"kind": "x" * 60_000})
    assert len(str(caught.value)) < 200


def test_a_program_of_just_the_length_that_may_be_is_read():
    program = "é" * LONGEST_PROGRAM
    assert read_request({"kind": "program", "program": program}).job.arguments["program"] == program
