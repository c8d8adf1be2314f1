"""Answers, graded by torch and by the auditor. Runs in a worker, a student's program confined.

Each function yields what is shown, and a `Graded` last.
"""

from collections.abc import Iterator

from wolfsbane.errors import ArgumentError
from wolfsbane.learn.blocks import Block, Graded, Printed, Text
from wolfsbane.learn.items import find_item
from wolfsbane.learn.practice.auditing import Audited, audit
from wolfsbane.learn.practice.item import Item, Question, Repair
from wolfsbane.learn.practice.questions import question_blocks
from wolfsbane.learn.practice.repairs import repair_blocks
from wolfsbane.learn.practice.running import fresh_start
from wolfsbane.learn.practice.stopping import stopped_by
from wolfsbane.learn.practice.syntax import syntax_error


def grade_question(item: str, choice: int) -> Iterator[Block]:
    """Grade an answer to a question.

    Args:
        item: the question's name.
        choice: which answer, counted from 0.

    Raises:
        ArgumentError: no question has this name, or it has no such choice.
    """
    found = find_item(item)
    if not isinstance(found, Question):
        raise ArgumentError(f"{item} is a program to mend: its answer is a program, not a choice")
    yield from question_blocks(found, choice)


def grade_repair(item: str, program: str) -> Iterator[Block]:
    """Grade a mended program.

    Args:
        item: the exercise's name.
        program: what the student has made of it.

    Raises:
        ArgumentError: no program to mend has this name.
    """
    found = find_item(item)
    if not isinstance(found, Repair):
        raise ArgumentError(f"{item} is a question: its answer is a choice, not a program")
    yield from repair_blocks(found, program)


def run_program(program: str) -> Iterator[Block]:
    """Run a program and say what the auditor finds in its text and its run.

    Args:
        program: Python.
    """
    broken = syntax_error(program)
    if broken is not None:
        yield Printed(program="", output="", error=broken.text)
        return
    with fresh_start():
        audited = audit(program)
    yield Printed(program="", output=audited.ran.output, error=audited.ran.error)
    yield from audited.findings
    yield from _notes(audited)
    yield from stopped_by(audited.ran)


def _notes(audited: Audited) -> Iterator[Text]:
    for note in audited.notes:
        yield Text(f"The auditor could not look at everything: {note}")


def evaluate(item: Item, answer: int | str) -> Graded:
    """Grade an answer in this process, as tests and authors of items do.

    Args:
        item: a question or a program to mend.
        answer: a choice, counted from 0, or a program.

    Raises:
        ArgumentError: the answer is not of the item's kind.
    """
    if isinstance(item, Question) and isinstance(answer, int):
        blocks = question_blocks(item, answer)
    elif isinstance(item, Repair) and isinstance(answer, str):
        blocks = repair_blocks(item, answer)
    else:
        raise ArgumentError(
            f"{item.name}: a question is answered by a number, a program to mend by a program, "
            f"but got {answer!r}"
        )
    return next(block for block in blocks if isinstance(block, Graded))
