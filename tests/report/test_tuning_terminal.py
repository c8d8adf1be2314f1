"""A search in a terminal, wide and narrow, and while it runs."""

import io
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from wolfsbane.report import terminal as shared
from wolfsbane.report.tuning import terminal
from wolfsbane.tuning.default_network import DefaultNetwork
from wolfsbane.tuning.dimensions import Choice, Rate
from wolfsbane.tuning.progress import Progress
from wolfsbane.tuning.space import Configuration, make_space
from wolfsbane.tuning.trial import Purpose


def printed(view, width):
    file = io.StringIO()
    terminal.show(Console(file=file, width=width), view)
    return file.getvalue()


def on_a_terminal(width):
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


@pytest.mark.parametrize("width", [120, 80, 60, 40])
def test_no_line_is_longer_than_the_terminal_is_wide(view, width):
    assert max(map(cell_len, printed(view, width).splitlines())) <= width


def test_the_table_has_without_chosen_difference_and_verdict(view):
    text = printed(view, 80)
    assert "without" in text
    for finding in view.answer.findings:
        assert f"{finding.estimate.mean * (100 if finding.measure.is_share else 1):.1f}" in text
    assert text.count("difference [95%]") == 2
    assert str(view.answer.verdict) in text


def test_beside_options_the_table_has_the_baseline(view):
    options = make_space({"dropout": Rate(), "activation": Choice("relu", "gelu")})
    setting = replace(view.setting, subject=DefaultNetwork(options))
    text = printed(replace(view, setting=setting, answer=replace(view.answer, ranges=())), 80)
    assert "baseline" in text
    assert "without" not in text.split("difference")[0]


def test_the_plot_has_a_row_for_every_rate_that_was_trained(view):
    lines = printed(view, 80).splitlines()
    rows = {line.split()[0]: line for line in lines if re.search(r"●|[ ─]>", line)}
    trained = {one.request.configuration.as_dict()["dropout"] for one in view.of(Purpose.SEARCH)}
    assert {f"{rate:.4g}" for rate in trained} <= rows.keys()
    (chosen,) = (line for line in rows.values() if "chosen" in line)
    assert chosen.split()[0] == f"{view.answer.ranges[0].rate:.4g}"


def test_a_narrow_terminal_gets_no_plot(view):
    assert "●" not in printed(view, 40)


def test_sentences_of_the_proof_are_left_to_the_table(view):
    assert "On test data that the choice never saw" not in printed(view, 80)


@pytest.mark.parametrize("name", ["single", "two_dimensions", "own_metric"])
def test_searches_without_a_proof_are_shown(request, name):
    text = printed(request.getfixturevalue(name), 80)
    assert "Nothing is proved" in " ".join(text.split())


def test_the_line_says_phase_best_and_how_far_it_is(view, progress):
    console = on_a_terminal(100)
    with terminal.progress_line(console, "nll") as update:
        for state in progress:
            if state.phase is not Purpose.COMPLEXITY:  # nothing was left for it
                update(state)
    shown = console.file.getvalue()
    assert f"proof: {view.answer.chosen}, NLL " in shown
    assert "0/?" not in shown
    assert "14/14 done, 0 running" in shown


@pytest.mark.parametrize("width", [160, 80, 60])
def test_the_line_is_one_line(width):
    best = Configuration((("dropout", 0.45), ("attention_dropout", 0.1), ("activation", "gelu")))
    console = on_a_terminal(width)
    with terminal.progress_line(console, "nll") as update:
        for finished in range(3):
            update(Progress(Purpose.SEARCH, finished, 4, 24, best, 0.412))
    drawn = console.file.getvalue()
    assert "search: dropout=0" in drawn
    assert drawn.count("\x1b[1A") == 1  # a line up, where it is taken away at the end


def test_shares_are_in_percent():
    best = Configuration((("dropout", 0.5),))
    state = Progress(Purpose.SEARCH, 4, 0, 24, best, 0.914)
    assert terminal.describe(state, "accuracy") == "search: dropout=0.5, accuracy 91.4%"
    assert terminal.describe(state, "nll") == "search: dropout=0.5, NLL 0.914"
    assert terminal.describe(replace(state, best=None), "nll") == "search"


def test_a_log_gets_one_line_a_phase(progress):
    log = io.StringIO()
    with terminal.progress_line(Console(file=log, width=80), "nll") as update:
        for state in progress:
            update(state)
    lines = log.getvalue().splitlines()
    assert len(lines) == 2  # nothing was left for a third
    assert lines[0] == "search; 0 of at most 14 trainings done"
    assert lines[1].startswith("proof: dropout=")


def test_nothing_is_drawn_before_the_first_state():
    console = on_a_terminal(80)
    with shared.status_line(console):
        pass
    assert console.file.getvalue() == ""
