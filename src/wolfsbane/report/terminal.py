"""Results in a terminal: a table, a verdict, a progress bar."""

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

from wolfsbane.experiment import comparison
from wolfsbane.experiment.comparison import Finding, Plan
from wolfsbane.experiment.intervals import Verdict
from wolfsbane.report import words

STYLES = {Verdict.GAIN: "bold green", Verdict.HARM: "bold red", Verdict.NOTHING: "dim"}


def show(console: Console, plan: Plan, findings: Sequence[Finding], verdict: str) -> None:
    """Print the table of each epoch, then the verdict."""
    for epoch, of_epoch in groupby(findings, key=lambda finding: finding.epoch):
        console.print(_table(f"{words.EPOCH_NAMES[epoch]}", list(of_epoch), plan))
        console.print()
    title, *sentences = verdict.splitlines()
    console.print(escape(title), style="bold")
    for sentence in sentences:
        console.print(Padding(f"- {escape(sentence)}", (0, 0, 0, 2)))


def _table(title: str, findings: Sequence[Finding], plan: Plan) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("mean ± 95%", justify="right", no_wrap=True)
    table.add_column(f"against {plan.variants[0].name} [95%]", justify="right", no_wrap=True)
    table.add_column("")
    for measure, of_measure in groupby(findings, key=lambda finding: finding.measure):
        table.add_row(f"[italic]{words.label(measure)}[/]")
        for finding in of_measure:
            table.add_row(
                f"  {escape(finding.variant)}",
                words.mean_and_margin(measure, finding.estimate),
                escape(words.difference(measure, finding.difference)),
                finding.verdict and f"[{STYLES[finding.verdict]}]{finding.verdict}[/]",
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
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def update(state: comparison.Progress) -> None:
            share = state.epoch / state.num_epochs if state.num_epochs else 0.0
            bar.update(
                task,
                description=f"{escape(state.variant)}, seed {state.seed}",
                total=state.num_trainings,
                completed=round(state.training + share, 3),
            )

        yield update
