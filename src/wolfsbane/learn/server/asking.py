"""What a page may ask for, and the work that it becomes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from wolfsbane.errors import ArgumentError
from wolfsbane.learn import controls
from wolfsbane.learn.items import find_item
from wolfsbane.learn.lesson import Step
from wolfsbane.learn.practice.item import Question, Repair
from wolfsbane.learn.practice.jobs import program_job, question_job, repair_job
from wolfsbane.learn.sections import all_sections
from wolfsbane.learn.workers.job import Job

LONGEST_PROGRAM = 20_000
"""Characters."""

EXPERIMENTS = "experiments."
"""What a step's task lies below."""

INSPECT = "playground.inspection:inspect"
TRAIN = "playground.training:train"

Given = Mapping[str, object]
Kind = TypeVar("Kind", Question, Repair)


@dataclass(frozen=True)
class Asked:
    """What a page asks for.

    Attributes:
        job: the work.
        item: the name of the exercise that this is an attempt at; empty for none.
        program: what the student wrote for it, to be kept.
    """

    job: Job
    item: str = ""
    program: str | None = None


def read_request(given: object) -> Asked:
    """Return what is asked for, checked.

    Args:
        given: the JSON of a request.

    Raises:
        ArgumentError: it is nothing that can be run; says what is wrong.
    """
    if not isinstance(given, dict):
        raise ArgumentError(f"a run is asked for by a JSON object, but got {_short(given)}")
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ArgumentError(f"kind has to be one of {', '.join(KINDS)}, but got {_short(kind)}")
    names, read = KINDS[kind]
    for name in given:
        if name not in {"kind", *names}:
            raise ArgumentError(
                f"unknown key {_short(name)}. A {kind} is asked for by {', '.join(names)}"
            )
    return read(given)


def _step(given: Given) -> Asked:
    step = _find_step(_text(given, "section"), _text(given, "step"))
    arguments = controls.read(step.controls, _mapping(given, "controls"))
    return Asked(Job(EXPERIMENTS + step.task, arguments))


def _program(given: Given) -> Asked:
    return Asked(program_job(_program_text(given)))


def _question(given: Given) -> Asked:
    item = _find(given, Question)
    choice = given.get("choice")
    last = len(item.choices) - 1
    if not isinstance(choice, int) or isinstance(choice, bool) or not 0 <= choice <= last:
        raise ArgumentError(
            f"choice has to be a whole number from 0 to {last}, but got {_short(choice)}"
        )
    return Asked(question_job(item.name, choice), item=item.name)


def _repair(given: Given) -> Asked:
    item = _find(given, Repair)
    program = _program_text(given)
    return Asked(repair_job(item.name, program), item=item.name, program=program)


def _inspect(given: Given) -> Asked:
    return Asked(Job(INSPECT, _setup(given)))


def _training(given: Given) -> Asked:
    return Asked(Job(TRAIN, _setup(given)))


KINDS: Mapping[str, tuple[tuple[str, ...], Callable[[Given], Asked]]] = {
    "step": (("section", "step", "controls"), _step),
    "program": (("program",), _program),
    "question": (("item", "choice"), _question),
    "repair": (("item", "program"), _repair),
    "inspect": (("setup",), _inspect),
    "training": (("setup",), _training),
}
"""What may be asked for: the keys of each kind, and how they are read."""


def _find_step(section_name: str, step_name: str) -> Step:
    sections = {section.name: section for section in all_sections()}
    if section_name not in sections:
        raise ArgumentError(
            f"no section is called {_short(section_name)}. There are: {', '.join(sections)}"
        )
    steps = {step.name: step for step in sections[section_name].steps}
    if step_name not in steps:
        raise ArgumentError(
            f"no step of {section_name} is called {_short(step_name)}. "
            f"There are: {', '.join(steps)}"
        )
    return steps[step_name]


def _find(given: Given, kind: type[Kind]) -> Kind:
    item = find_item(_text(given, "item"))
    if not isinstance(item, kind):
        asked, really = (each.__name__.lower() for each in (kind, type(item)))
        raise ArgumentError(f"{item.name} is a {really}; it cannot be answered as a {asked}")
    return item


def _setup(given: Given) -> Mapping[str, Any]:
    from wolfsbane.learn.playground.setup import read_setup  # noqa: PLC0415

    return read_setup(_mapping(given, "setup"))


def _text(given: Given, name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise ArgumentError(f"{name} has to be text, but got {_short(value)}")
    return value


def _mapping(given: Given, name: str) -> Given:
    value = given.get(name, {})
    if not isinstance(value, dict):
        raise ArgumentError(f"{name} has to be a JSON object, but got {_short(value)}")
    return value


def _program_text(given: Given) -> str:
    program = _text(given, "program")
    if len(program) > LONGEST_PROGRAM:
        raise ArgumentError(
            f"a program may have {LONGEST_PROGRAM:,} characters, but this one has {len(program):,}"
        )
    if "\0" in program or any("\ud800" <= character <= "\udfff" for character in program):
        raise ArgumentError("the program has characters in it that no Python program can have")
    return program


def _short(value: object, longest: int = 60) -> str:
    """Return what was given as an error quotes it."""
    text = repr(value)
    return text if len(text) <= longest else f"{text[:longest]}…"
