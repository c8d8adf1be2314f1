"""A comparison in a terminal: a table, a verdict, a progress bar."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from wolfsbane.experiment import comparison
from wolfsbane.experiment.comparison import Finding
from wolfsbane.report import terminal, words

NARROWEST = 80
"""Columns that the table needs."""


def show(console: Console, findings: Sequence[Finding], verdict: str) -> None:
    """Print the table of each epoch, then the verdict."""
    console.width = max(console.width, NARROWEST)
    for epoch, of_epoch in groupby(findings, key=lambda finding: finding.epoch):
        console.print(_table(f"{words.EPOCH_NAMES[epoch]}", list(of_epoch)))
        console.print()
    terminal.print_verdict(console, verdict)


def _table(title: str, findings: Sequence[Finding]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    table.pad_edge, table.collapse_padding = False, True
    table.add_column("")
    table.add_column("mean ± 95%", justify="right", no_wrap=True)
    table.add_column("difference [95%]", justify="right", no_wrap=True)
    table.add_column("")
    for measure, of_measure in groupby(findings, key=lambda finding: finding.measure):
        table.add_row(f"[italic]{words.label(measure)}[/]")
        for finding in of_measure:
            table.add_row(
                f" {escape(finding.variant)}",
                words.mean_and_margin(finding),
                escape(words.difference(measure, finding.difference)),
                Text(words.verdict_of(finding), style=terminal.STYLES[finding.verdict]),
            )
    return table


@contextmanager
def progress_bar(console: Console) -> Iterator[Callable[[comparison.Progress], None]]:
    """Show what is being trained, how far it is, and what time is left."""
    with terminal.status_line(console) as show_line:

        def update(state: comparison.Progress) -> None:
            share = state.epoch / state.num_epochs if state.num_epochs else 0.0
            show_line(
                f"{state.variant}, seed {state.seed}",
                round(state.training + share, 3),
                state.num_trainings,
            )

        yield update
