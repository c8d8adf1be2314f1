"""What a terminal shows of blocks and exercises: all of it in words, with colours or without."""

import io

import pytest
from rich.console import Console

from learn.every_block import BLOCKS, CHART, TABLE
from wolfsbane.learn.blocks import Chart, End, Ended, Finding, Graded, Outcome, Printed, Series
from wolfsbane.learn.items import find_item
from wolfsbane.learn.practice.terminal import MOST_POINTS, show, show_item, show_program


def shown(block, **settings):
    """Return what is printed of a block."""
    file = io.StringIO()
    show(Console(file=file, markup=False, emoji=False, highlight=False, **settings), block)
    return file.getvalue()


def words_of(text):
    return " ".join(text.split())


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_every_kind_of_block_is_shown(block):
    assert shown(block, width=80).strip()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_without_colours_the_words_are_the_same(block, monkeypatch):
    coloured = shown(block, width=80, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    plain = shown(block, width=80)
    assert "\x1b" not in plain
    assert words_of(_without_escapes(coloured)) == words_of(plain)


def _without_escapes(text):
    return "".join(part.split("m", 1)[-1] for part in ("m" + text).split("\x1b["))


def test_a_program_its_output_and_its_error_are_told_apart():
    text = words_of(shown(Printed("print(1 / 0)", "so far", "ZeroDivisionError"), width=80))
    assert text == (
        "The program: print(1 / 0) It prints: so far It ends with an error: ZeroDivisionError"
    )


def test_a_program_that_prints_nothing_is_said_to():
    assert "It prints nothing." in shown(Printed("x = 1", ""), width=80)


def test_marks_of_a_table_are_words():
    text = shown(TABLE, width=80)
    assert "0.00 (dropped)" in text
    assert "2.00 (kept)" in text
    assert TABLE.caption in text


def test_a_chart_is_a_table_of_its_numbers_with_what_is_to_be_seen():
    text = shown(CHART, width=80)
    for word in ("Loss by epoch", CHART.description, "epoch", "loss", "own", "new"):
        assert word in text
    assert "0.9 (0.8 to -)" not in text
    assert "0.25" in text


def test_of_a_long_chart_some_points_are_shown_with_both_ends():
    numbers = tuple(float(x) for x in range(1000))
    long = Chart("Loss", "It falls.", "step", "loss", (Series("own", numbers, numbers),))
    rows = [line.split() for line in shown(long, width=80).splitlines()]
    steps = [float(row[0]) for row in rows if len(row) == 2 and row[0] == row[1]]
    assert len(steps) == MOST_POINTS
    assert (steps[0], steps[-1]) == (0, 999)


def test_bars_are_shown_by_their_names():
    bars = Chart("Units", "Three.", "layer", "units", (Series("dead", ("one", "two"), (3.0, 4.0)),))
    assert "one" in shown(bars, width=80)


def test_a_band_is_shown_by_both_of_its_ends():
    banded = Series("own", (1.0,), (0.5,), lower=(0.4,), upper=(0.6,))
    text = shown(Chart("Loss", "It falls.", "epoch", "loss", (banded,)), width=80)
    assert "0.5 (0.4 to 0.6)" in text


def test_a_finding_names_its_rule_its_line_and_what_to_do():
    finding = Finding("WB201", "train-not-restored", "eval() stays", "Call train()", 12)
    text = words_of(shown(finding, width=80))
    assert "WB201 train-not-restored in line 12: eval() stays What to do: Call train()" in text
    assert "in line" not in shown(Finding("WB201", "x", "y", "z"), width=80)


def test_a_grade_says_whether_it_passed_and_why():
    graded = Graded(False, "`p=30`", "torch raises", "p goes to 1", "p is a percentage", "WB106")
    text = words_of(shown(graded, width=80))
    for words in (
        "Not yet.",
        "You said: p=30",
        "Measured: torch raises",
        "the belief that p is a percentage",
        "p goes to 1",
        "wolfsbane explain WB106",
    ):
        assert words in text
    assert "Passed." in shown(Graded(True, "ones", "torch: True", ""), width=80)


def test_an_outcome_names_the_answer_by_its_letter():
    assert "answer c" in shown(Outcome(2, "The gap is 0.3."), width=80)


def test_an_end_is_told_where_something_is_to_be_said():
    assert shown(Ended(End.FINISHED), width=80) == ""
    assert "Stopped after 20 s" in shown(Ended(End.TIME, "Stopped after 20 s"), width=80)


def test_what_is_no_block_is_refused():
    with pytest.raises(TypeError, match="no block is a str"):
        shown("text", width=80)


def test_a_question_is_shown_with_program_and_lettered_choices():
    file = io.StringIO()
    show_item(Console(file=file, width=80), find_item("dropout-evaluation"), 4, 50)
    text = file.getvalue()
    assert "4 of 50: The same layer in evaluation" in text
    assert "layer.eval()" in text
    assert "c) Ones: [1, 1, 1, 1]" in text


def test_a_program_that_gives_the_answer_away_is_not_shown_with_the_question():
    file = io.StringIO()
    show_item(Console(file=file, width=80), find_item("dropout-syntax"), 3, 50)
    assert "def attempt" not in file.getvalue()
    assert "meant to fail" in file.getvalue()


def test_long_lines_of_a_program_are_wrapped_not_cut():
    file = io.StringIO()
    show_program(Console(file=file, width=40), f"print({'x' * 30!r}, {'y' * 30!r})")
    assert "y" * 30 in file.getvalue().replace("\n", "").replace(" ", "")
