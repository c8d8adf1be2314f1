"""What results in a terminal share: colours of verdicts, sentences, one status line."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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

ShowLine = Callable[[str, float, int], None]
"""Shows what is being done, trainings finished (with a share of the running one), and all."""


def print_verdict(console: Console, verdict: str) -> None:
    """Print the first line as a title, the others as a list."""
    title, *sentences = verdict.splitlines()
    console.print(escape(title), style="bold")
    for sentence in sentences:
        console.print(Padding(f"- {escape(sentence)}", (0, 0, 0, 2)))


@contextmanager
def status_line(console: Console) -> Iterator[ShowLine]:
    """Show one line with a bar and the time left; nothing where `console` is no terminal."""
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

        def show(text: str, finished: float, total: int) -> None:
            # Started at the first training: a mistake found before it is told in one line.
            if not bar.live.is_started:
                running.enter_context(bar)
            bar.update(task, description=escape(text), total=total, completed=finished)

        yield show
