"""`wolfsbane practice`: the lesson's exercises, in the terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wolfsbane.cli.experiment import INTERRUPTED
from wolfsbane.cli.printing import escape_unknown_characters, put, put_into
from wolfsbane.cli.progress import another_file_advised
from wolfsbane.errors import ArgumentError

if TYPE_CHECKING:
    from rich.console import Console

    from wolfsbane.learn.practice.item import Item
    from wolfsbane.learn.practice.progress import ProgressFile

NOT_YET = 1
"""Exit code of an answer that has not passed."""

EPILOG = """
Examples:

`wolfsbane practice` goes on with the first exercise that is not done.

`wolfsbane practice dropout-scale` does this one.

`wolfsbane practice dropout-scale --answer c` grades one answer, and asks nothing.

`wolfsbane practice dropout-functional --file mended.py` grades a program.
"""


def practice(
    name: Annotated[
        str | None,
        typer.Argument(help="Of an exercise.", show_default="the first that is not done"),
    ] = None,
    list_items: Annotated[
        bool, typer.Option("--list", help="All exercises, and which of them are done.")
    ] = False,
    answer: Annotated[
        str | None,
        typer.Option(metavar="LETTER", help="Grade this answer to a question, and ask nothing."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Grade this mended program, and ask nothing."),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what is done to a file.")
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Forget what is done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With `--reset`: do not ask.")] = False,
    progress: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where it is kept which exercises are done.",
            show_default="a file among this user's data",
        ),
    ] = None,
) -> None:
    """Practise dropout, batch norm and activations in the terminal.

    These are the exercises of `wolfsbane learn`, and share its progress. Answers are decided by
    torch, at that moment; programs to mend are put into the folder `wolfsbane-practice`, run apart
    and looked over by the auditor. Exit codes: 0, and 1 for an answer that has not passed.
    """
    from wolfsbane.learn.practice.progress import (  # noqa: PLC0415  # --help stays fast
        ProgressFile,
        default_path,
    )

    _check_one_thing_is_asked(name, list_items, answer, file, export, reset)
    kept = ProgressFile(default_path() if progress is None else progress)
    with another_file_advised(kept.path):
        if list_items:
            put(_listed(kept))
        elif export is not None:
            put_into(export, kept.export())
            put(f"Your progress is in {export}.\n")
        elif reset:
            _reset(kept, is_sure=yes)
        elif answer is not None or file is not None:
            raise typer.Exit(0 if _is_passed(str(name), answer, file, kept) else NOT_YET)
        else:
            _talk(name, kept)


def _check_one_thing_is_asked(
    name: str | None,
    list_items: bool,
    answer: str | None,
    file: Path | None,
    export: Path | None,
    reset: bool,
) -> None:
    asked = {
        "--list": list_items,
        "--answer": answer is not None,
        "--file": file is not None,
        "--export": export is not None,
        "--reset": reset,
    }
    given = [option for option, is_given in asked.items() if is_given]
    if len(given) > 1:
        raise ArgumentError(f"{' and '.join(given)} cannot go together. Give one of them")
    if given in (["--answer"], ["--file"]) and name is None:
        raise ArgumentError(
            f"{given[0]} needs the exercise's name: wolfsbane practice NAME {given[0]} ... "
            "`wolfsbane practice --list` names all"
        )


def _listed(progress: "ProgressFile") -> str:
    """Return all exercises with what is done, one a line."""
    from wolfsbane.learn.items import all_items  # noqa: PLC0415

    items, done = all_items(), progress.read()
    width = max(len(item.name) for item in items)
    lines = [
        f"[{'x' if done.of(item.name).passed else ' '}] {item.name:{width}}  {item.title}"
        for item in items
    ]
    num_done = sum(done.of(item.name).passed for item in items)
    return "\n".join([*lines, "", f"{num_done} of {len(items)} done ([x])", ""])


def _reset(progress: "ProgressFile", is_sure: bool) -> None:
    num_tried = len(progress.read().items)
    question = f"Forget what was done in {num_tried} exercises? Programs in files stay. [y/N]: "
    if is_sure or _answer_to(question).strip().lower() in ("y", "yes"):
        progress.reset()
        put("Forgotten.\n")
    else:
        put("Nothing was changed.\n")


def _is_passed(name: str, letter: str | None, file: Path | None, progress: "ProgressFile") -> bool:
    """Grade one answer, and show what comes of it."""
    from wolfsbane.learn.items import find_item  # noqa: PLC0415
    from wolfsbane.learn.practice.attempts import attempt  # noqa: PLC0415
    from wolfsbane.learn.practice.terminal import show  # noqa: PLC0415
    from wolfsbane.learn.workers.pool import Workers  # noqa: PLC0415

    item = find_item(name)
    answer = _choice(item, letter) if letter is not None else _program(item, file)
    console = _console()
    with (
        _interruptible(),
        closing(Workers(are_warmed=False)) as workers,
        console.capture() as captured,
    ):
        passed = attempt(workers, progress, item, answer, lambda block: show(console, block))
    put(captured.get())
    return passed


def _choice(item: "Item", letter: str) -> int:
    from wolfsbane.learn.practice.item import Question  # noqa: PLC0415
    from wolfsbane.learn.practice.terminal import LETTERS  # noqa: PLC0415

    if not isinstance(item, Question):
        raise ArgumentError(f"{item.name} is a program to mend. Give it with --file FILE")
    known = LETTERS[: len(item.choices)]
    if len(letter) != 1 or letter.lower() not in known:
        raise ArgumentError(f"{item.name} has the answers {', '.join(known)}, but got {letter!r}")
    return known.index(letter.lower())


def _program(item: "Item", file: Path | None) -> str:
    from wolfsbane.learn.practice.exercise_file import read_program  # noqa: PLC0415
    from wolfsbane.learn.practice.item import Repair  # noqa: PLC0415

    if not isinstance(item, Repair) or file is None:
        raise ArgumentError(f"{item.name} is a question. Answer it with --answer LETTER")
    return read_program(file)


def _talk(name: str | None, progress: "ProgressFile") -> None:
    """Do the exercise with this name, or all that are not done."""
    from wolfsbane.learn.items import all_items, find_item  # noqa: PLC0415
    from wolfsbane.learn.practice.dialogue import Dialogue  # noqa: PLC0415
    from wolfsbane.learn.workers.pool import Workers  # noqa: PLC0415

    item = None if name is None else find_item(name)
    escape_unknown_characters()
    with _interruptible(), closing(Workers()) as workers:
        dialogue = Dialogue(_console(), _line, workers, progress, Path(), all_items())
        if item is None:
            dialogue.go_on()
        else:
            dialogue.do(item)


@contextmanager
def _interruptible() -> Iterator[None]:
    """End at Ctrl-C with a word about it, and the exit code that shells have for it."""
    try:
        yield
    except KeyboardInterrupt:
        put("\nInterrupted. What was done so far is kept.\n")
        raise typer.Exit(INTERRUPTED) from None


def _line(prompt: str) -> str:
    """Return the next line of standard input; where that is closed, it is at its end."""
    if sys.stdin is None:
        put(prompt)
        raise EOFError
    return input(prompt)


def _answer_to(question: str, ask: Callable[[str], str] = _line) -> str:
    try:
        return ask(question)
    except EOFError:
        put("\n")
        return ""


def _console() -> "Console":
    from rich.console import Console  # noqa: PLC0415

    return Console(markup=False, emoji=False, highlight=False)
