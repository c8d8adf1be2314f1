"""All exercises, by kind, and how one is graded here: in this process, from a given seed."""

import functools

import pytest

from wolfsbane.learn.blocks import Finding, Graded, Printed
from wolfsbane.learn.items import all_items
from wolfsbane.learn.practice.item import Question, Repair
from wolfsbane.learn.practice.questions import question_blocks
from wolfsbane.learn.practice.repairs import repair_blocks

ITEMS = all_items()
SEEDS = (0, 1, 2, 3, 4)


def rows(kind):
    """Return the items of a kind, for parametrising."""
    return [pytest.param(item, id=item.name) for item in ITEMS if isinstance(item, kind)]


QUESTIONS, REPAIRS = rows(Question), rows(Repair)
BOTH = rows(Question | Repair)


class Answered:
    """What an answer brought.

    Args:
        blocks: of the grading.
    """

    def __init__(self, blocks):
        blocks = list(blocks)
        self.printed = [block for block in blocks if isinstance(block, Printed)]
        self.findings = [block for block in blocks if isinstance(block, Finding)]
        (self.graded,) = [block for block in blocks if isinstance(block, Graded)]


@functools.cache
def chosen(question, choice, seed=0):
    """Answer a question; the same again costs nothing."""
    return Answered(question_blocks(question, choice, seed))


@functools.cache
def mended(repair, program, seed=0):
    """Hand in a program; the same again costs nothing."""
    return Answered(repair_blocks(repair, program, seed))


def words_of(item):
    """Return all prose of an item, each with what it is."""
    yield "title", item.title
    yield "prompt", item.prompt
    yield "note", item.note
    if isinstance(item, Repair):
        yield "why", item.why
    yield from (("hint", hint) for hint in item.hints)
    for part in item.choices if isinstance(item, Question) else item.checks:
        yield "why", part.why
        yield "misconception", part.misconception
        yield "answer", part.text if isinstance(item, Question) else part.message
