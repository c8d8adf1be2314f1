"""What a student's program prints is read in a terminal, and steers nothing there."""

import io

import pytest
from rich.console import Console

from learn.every_block import BLOCKS
from wolfsbane.learn.blocks import Ended, Finding, Graded, Mark, Printed, Table, Text
from wolfsbane.learn.practice.escapes import harmless
from wolfsbane.learn.practice.terminal import show, show_program

CLEARS, TITLE, CLIPBOARD = "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]52;c;cm0=\x1b\\"
SHORT_FORM, RINGS, TURNED, DELETED = "\x9b31m", "\a\b", "\u202egnp\u2066", "\x7f"
ATTACKS = (CLEARS, TITLE, CLIPBOARD, SHORT_FORM, RINGS, TURNED, DELETED)


def shown(show_one, what):
    file = io.StringIO()
    show_one(Console(file=file, markup=False, emoji=False, highlight=False, width=200), what)
    return file.getvalue()


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
@pytest.mark.parametrize(
    "block_of",
    [
        lambda text: Printed(text, text, text),
        Text,
        lambda text: Ended("failed", text),
        lambda text: Graded(False, text, f"`{text}`", text, text, text),
        lambda text: Finding(text, text, text, text),
        lambda text: Table(text, (text,), ()),
    ],
    ids=["printed", "text", "ended", "graded", "finding", "table"],
)
def test_no_block_steers_the_terminal(attack, block_of):
    text = shown(show, block_of(f"before {attack} after"))
    assert "before" in text
    assert "after" in text
    assert not set(text) & set("\x1b\x07\x08\x7f\x9b\u202e\u2066")


def test_what_was_written_is_still_to_be_read():
    assert r"\x1b[2J\x1b[H" in shown(show, Printed("", CLEARS))
    assert r"\x9b31m" in shown(show_program, f"print('{SHORT_FORM}')")


def test_words_in_brackets_are_no_markup():
    assert "[red]not red[/red] [link=x]" in shown(
        show, Printed("", "[red]not red[/red] [link=x]", "[bold]")
    )


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_what_is_harmless_stays_as_it_is(block):
    assert harmless(block) == block
    assert harmless("naïve\tü\nmore 🙂") == "naïve\tü\nmore 🙂"
    assert harmless(Mark.DEAD) is Mark.DEAD
