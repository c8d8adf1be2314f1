"""What results in a terminal share: colours of verdicts, sentences, one status line."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

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

from wolfsbane.experiment.intervals import Verdict

STYLES: dict[Verdict | None, str] = {
    Verdict.GAIN: "bold green",
    Verdict.HARM: "bold red",
    Verdict.NOTHING: "dim",
    None: "dim",
}

_SPEED_PERIOD = 3600.0
"""Seconds over which speed is measured: a training may take minutes."""


_BESIDE = 38
"""Columns of the line beside its text and its bar: numbers, and the time left."""
_BAR = 40
"""Columns of the bar where there is room."""


class ShowLine(Protocol):
    """Shows where something stands."""

    def __call__(self, text: str, finished: float, total: int) -> None:
        """Show what is done, and trainings finished (with a share of the running one) of all."""


def print_verdict(console: Console, verdict: str) -> None:
    """Print the first line as a title, the others as a list."""
    title, *sentences = verdict.splitlines()
    console.print(escape(title), style="bold")
    for sentence in sentences:
        console.print(Padding(f"- {escape(sentence)}", (0, 0, 0, 2)))


@contextmanager
def status_line(console: Console) -> Iterator[ShowLine]:
    """Show one line with a bar and the time left; nothing where `console` is no terminal."""
    width = max(4, min(_BAR, console.width - 2 * _BESIDE))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=width),
        MofNCompleteColumn(),
        TextColumn("trainings,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    bar = Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        speed_estimate_period=_SPEED_PERIOD,
    )
    task = bar.add_task("", total=None)
    with contextlib.ExitStack() as running:

        def show(text: str, finished: float, total: int) -> None:
            bar.update(
                task,
                description=escape(_cut(text, console.width - width - _BESIDE)),
                total=total,
                completed=finished,
            )
            # Started at the first training: a mistake found before it is told in one line.
            if not bar.live.is_started:
                running.enter_context(bar)

        yield show


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(room - 1, 0)]}…"
