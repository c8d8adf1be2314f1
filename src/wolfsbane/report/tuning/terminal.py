"""A search in a terminal: a small plot, a table, the sentences, and one status line."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from wolfsbane.experiment.comparison import Finding
from wolfsbane.report import terminal
from wolfsbane.report.tuning import plot, words
from wolfsbane.report.tuning.view import View, amount, label_of
from wolfsbane.report.words import difference, value, verdict_of
from wolfsbane.tuning.limits import SHARES
from wolfsbane.tuning.progress import Progress

NARROWEST = 72
"""Columns that the table needs with all of its own."""

_SHORT = {"accuracy": "accuracy", "gap": "gap", "ece": "calib. error", "nll": "NLL"}
"""Of measures: the column of a table is too narrow for their labels."""


def show(console: Console, view: View) -> None:
    """Print the objective against the rate, the table of each epoch, and the verdict."""
    for text in plot.plots(view, console.width):
        console.print(text, soft_wrap=True)
        console.print()
    for epoch, of_epoch in groupby(view.answer.findings, key=lambda finding: finding.epoch):
        found = list(of_epoch)
        title = f"test data, {view.epoch_name(epoch)}{_pairs(found)}"
        before = "baseline" if view.has_options else "without"
        console.print(_table(title, found, before, console.width))
        console.print()
    # The table has just shown the proof's differences.
    is_shown = bool(view.answer.findings)
    terminal.print_verdict(console, words.verdict(view, with_differences=not is_shown))


def _pairs(findings: Sequence[Finding]) -> str:
    counts = [found.difference.num_seeds for found in findings if found.difference]
    return f", pairs: {max(counts)}" if counts else ""


def _table(title: str, findings: Sequence[Finding], before: str, width: int) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    table.pad_edge, table.collapse_padding = False, True
    table.add_column("")
    is_wide = width >= NARROWEST
    if is_wide:
        table.add_column(before, justify="right", no_wrap=True)
        table.add_column("chosen", justify="right", no_wrap=True)
    table.add_column("difference [95%]", justify="right", no_wrap=True)
    table.add_column("")
    for _, of_measure in groupby(findings, key=lambda finding: finding.measure.name):
        pair = list(of_measure)
        last = pair[-1]
        table.add_row(
            escape(_short(last)),
            *([_mean(pair[0]), _mean(last)] if is_wide else []),
            escape(difference(last.measure, last.difference)),
            Text(verdict_of(last), style=terminal.STYLES[last.verdict]),
        )
    return table


def _short(finding: Finding) -> str:
    measure = finding.measure
    name = _SHORT.get(measure.name, measure.label)
    return f"{name}, %" if measure.is_share else name


def _mean(finding: Finding) -> str:
    return "" if finding.estimate is None else value(finding.measure, finding.estimate.mean)


@contextmanager
def progress_line(console: Console, metric: str) -> Iterator[Callable[[Progress], None]]:
    """Show the phase, the best so far, the trainings done, and the time left.

    Where `console` is no terminal, as in a log: one line when a phase begins.

    Args:
        console: on standard error.
        metric: the objective's name.
    """
    phases: set[str] = set()
    with terminal.status_line(console) as show_line:

        def update(state: Progress) -> None:
            if console.is_terminal:
                show_line(
                    describe(state, metric),
                    state.finished,
                    state.budget,
                    num_running=state.running,
                )
            elif state.phase not in phases and state.finished < state.budget:
                console.print(
                    f"{escape(describe(state, metric))}; {state.finished} of at most "
                    f"{state.budget} trainings done",
                    soft_wrap=True,
                    highlight=False,
                )
            phases.add(state.phase)

        yield update


def describe(state: Progress, metric: str) -> str:
    """Return the phase and the best so far: "search: dropout=0.45, NLL 0.412"."""
    if state.best is None:
        return str(state.phase)
    if state.value is None:
        return f"{state.phase}: {state.best}"
    percent = "%" if metric in SHARES else ""
    return f"{state.phase}: {state.best}, {label_of(metric)} {amount(metric, state.value)}{percent}"
