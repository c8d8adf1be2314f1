"""What every exercise says: short, in Markdown, in British spelling; programs that fit a page."""

import re

import pytest
from markdown_it import MarkdownIt

from learn.items.every_item import BOTH, words_of
from wolfsbane.audit.registry import all_rules
from wolfsbane.learn.practice.item import Question, Repair

LONGEST = {"title": 50, "prompt": 450, "note": 160, "hint": 120, "misconception": 70}
"""Characters, as they fit a telephone's screen without being scrolled away."""
LONGEST_OTHER = 380
MOST_LINES = {Question: 25, Repair: 35}
"""Of a program, blank ones left out."""
LONGEST_LINE = 100

# An optimizer is spelt as torch spells it.
AMERICAN = re.compile(
    r"\b(colors?|behaviors?|favor\w*|neighbor\w*|centers?|centered|labeled|mislabeled|modeling"
    r"|canceled|gray|(?:normal|regular|memor|initial|general|recogn|minim|maxim|summar)iz\w*"
    r"|analyz\w*|optimiz(?!ers?\b)\w*)\b",
    re.IGNORECASE,
)
CODE = re.compile(r"`[^`]*`")


@pytest.mark.parametrize("item", BOTH)
def test_prose_is_short(item):
    too_long = [
        text for what, text in words_of(item) if len(text) > LONGEST.get(what, LONGEST_OTHER)
    ]
    assert not too_long


@pytest.mark.parametrize("item", BOTH)
def test_prose_is_markdown_without_html_and_with_closed_marks(item):
    for _, text in words_of(item):
        tokens = MarkdownIt("commonmark", {"html": True}).parse(text)
        inner = [child for token in tokens for child in token.children or ()]
        assert "html_block" not in {token.type for token in tokens}
        assert not [child.content for child in inner if child.type == "html_inline"]
        assert not [c.content for c in inner if c.type == "text" and "`" in c.content]


@pytest.mark.parametrize("item", BOTH)
def test_prose_is_spelt_as_in_britain_and_does_not_shout(item):
    prose = [CODE.sub("", text) for _, text in words_of(item)]
    assert not [text for text in prose if AMERICAN.search(text) or "!" in text]


@pytest.mark.parametrize("item", BOTH)
def test_hints_lead_on_in_one_to_three_steps(item):
    assert 1 <= len(item.hints) <= 3
    assert all(hint.strip() for hint in item.hints)
    assert len(set(item.hints)) == len(item.hints)


@pytest.mark.parametrize("item", BOTH)
def test_an_answer_and_a_misconception_take_one_line(item):
    assert not [text for what, text in words_of(item) if what != "prompt" and "\n" in text]


@pytest.mark.parametrize("item", BOTH)
def test_programs_fit_a_page(item):
    lines = [line for line in item.program.splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES[type(item)]
    parts = [item.program]
    parts += [c.probe for c in item.choices] if isinstance(item, Question) else [item.solution]
    assert max(len(line) for part in parts for line in part.splitlines()) <= LONGEST_LINE


@pytest.mark.parametrize("item", BOTH)
def test_every_rule_that_is_named_exists(item):
    known = {rule.code for rule in all_rules()}
    parts = item.choices if isinstance(item, Question) else item.checks
    named = {part.rule for part in parts if part.rule}
    named |= set(item.rules) if isinstance(item, Repair) else set()
    assert named <= known


@pytest.mark.parametrize("item", BOTH)
def test_a_program_to_mend_says_that_it_is_meant_to_be_wrong(item):
    assert item.note or isinstance(item, Question)
