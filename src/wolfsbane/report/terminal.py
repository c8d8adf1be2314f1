"""Results in a terminal: a table, a verdict, a progress bar."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from wolfsbane.experiment import comparison
from wolfsbane.experiment.comparison import Finding
from wolfsbane.experiment.intervals import Verdict
from wolfsbane.report import words

NARROWEST = 80
"""Columns that the table needs."""

STYLES: dict[Verdict | None, str] = {
    Verdict.GAIN: "bold green",
    Verdict.HARM: "bold red",
    Verdict.NOTHING: "dim",
    None: "dim",
}


def show(console: Console, findings: Sequence[Finding], verdict: str) -> None:
    """Print the table of each epoch, then the verdict."""
    console.width = max(console.width, NARROWEST)
    for epoch, of_epoch in groupby(findings, key=lambda finding: finding.epoch):
        console.print(_table(f"{words.EPOCH_NAMES[epoch]}", list(of_epoch)))
        console.print()
    title, *sentences = verdict.splitlines()
    console.print(escape(title), style="bold")
    for sentence in sentences:
        console.print(Padding(f"- {escape(sentence)}", (0, 0, 0, 2)))


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
                Text(words.verdict_of(finding), style=STYLES[finding.verdict]),
            )
    return table


@contextmanager
def progress_bar(console: Console) -> Iterator[Callable[[comparison.Progress], None]]:
    """Show what is being trained, how far it is, and what time is left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("trainings,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("", total=None)
    with contextlib.ExitStack() as running:

        def update(state: comparison.Progress) -> None:
            # Started at the first training: a mistake found before it is told in one line.
            if not bar.live.is_started:
                running.enter_context(bar)
            share = state.epoch / state.num_epochs if state.num_epochs else 0.0
            bar.update(
                task,
                description=f"{escape(state.variant)}, seed {state.seed}",
                total=state.num_trainings,
                completed=round(state.training + share, 3),
            )

        yield update
