"""The result in a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from wolfsbane.bench import words
from wolfsbane.bench.case import Case, Row, Status
from wolfsbane.bench.run import OnCase, Result

NARROWEST = 80
"""Columns that the table needs."""

VERDICT_STYLES = {True: "green", False: "bold red", None: "dim"}

WIDTHS = (26, 9, 22, 7)
"""Of what is compared, the baseline, the ratio and the target."""


def show(console: Console, result: Result) -> None:
    """Print the machine, a block of lines for each case, and the warnings."""
    console.width = max(console.width, NARROWEST)
    console.print(_machine(result), style="dim", highlight=False)
    for section, of_section in groupby(result.rows, key=lambda row: row.case.section):
        console.print()
        console.print(section.value, style="bold underline")
        for case, rows in groupby(of_section, key=lambda row: row.case):
            _show_case(console, case, list(rows))
    console.print()
    console.print(_summary(result), style="bold", highlight=False)
    for warning in words.warnings(result):
        console.print(f"Warning: {escape(warning)}", style="yellow", highlight=False)
    if result.interrupted:
        console.print(
            f"Interrupted: {result.num_finished} of {result.num_cases} cases are finished",
            style="yellow",
            highlight=False,
        )


def _machine(result: Result) -> str:
    machine = result.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return (
        f"{escape(machine.processor)}, {machine.num_threads} threads; {versions}; "
        f"{result.settings.rounds} rounds"
    )


def _show_case(console: Console, case: Case, rows: list[Row]) -> None:
    console.print(Text(case.name, style="bold"), highlight=False)
    if rows[0].status is Status.RED:
        console.print(Text(f"  RED CHECK, no figure: {rows[0].problem}", style="bold red"))
        return
    if rows[0].goal.against is not None:
        console.print(Text(f"  ours {words.facts(rows[0])}", style="dim"))
    table = Table.grid(padding=(0, 1), pad_edge=False)
    for width, justify in zip(WIDTHS, ("left", "right", "right", "right"), strict=True):
        table.add_column(justify=justify, min_width=width)  # type: ignore[arg-type]
    table.add_column()
    measured = [row for row in rows if row.status is Status.MEASURED]
    for row in measured:
        table.add_row(*_cells(row))
    if measured:
        console.print(table, highlight=False)
    for row in rows:
        if row.status is Status.ABSENT:
            said = f"  {words.comparison(row.goal)}: {row.problem}"
            console.print(Text(said, style="yellow"), highlight=False)


def _cells(row: Row) -> list[Text]:
    figure = row.ours if row.goal.against is None else row.baseline
    mark = "~" if row.ratio is not None and row.ratio.is_wide else ""
    return [
        Text(f"  {words.comparison(row.goal)}"),
        Text("" if figure is None else words.amount(figure, row.case.unit)),
        Text(f"{mark}{words.ratio(row)}"),
        Text(words.target(row.goal)),
        Text(words.verdict(row), style=VERDICT_STYLES[row.reached]),
    ]


def _summary(result: Result) -> str:
    judged = [row for row in result.rows if row.reached is not None]
    red = {row.case.name for row in result.rows if row.status is Status.RED}
    reached = sum(bool(row.reached) for row in judged)
    said = [f"{reached} of {len(judged)} targets reached"] if judged else []
    said += [f"{len(red)} without a figure: red check"] if red else []
    return "; ".join(said) or "No targets among these cases"


@contextmanager
def progress_bar(console: Console) -> Iterator[OnCase]:
    """Show what is being measured, and how far it is."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    # Drawn when a case begins and at no other time: a thread that draws would be timed too.
    bar = Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        auto_refresh=False,
    )
    task = bar.add_task("", total=None)
    with bar:

        def update(case: Case, number: int, num_cases: int) -> None:
            bar.update(
                task, description=escape(case.name), completed=number, total=num_cases, refresh=True
            )

        yield update
