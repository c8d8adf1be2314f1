"""Exercises at a terminal, one after another: shown, answered, graded, until the student leaves."""

import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path

from rich.console import Console
from rich.text import Text

from wolfsbane.errors import DataError
from wolfsbane.learn import blocks
from wolfsbane.learn.practice.attempts import Answer, Starts, attempt
from wolfsbane.learn.practice.exercise_file import ExerciseFile
from wolfsbane.learn.practice.item import Item, Question, Repair
from wolfsbane.learn.practice.progress import ProgressFile
from wolfsbane.learn.practice.terminal import LETTERS, show, show_item, show_program

Ask = Callable[[str], str]
"""Prints a prompt and returns the line that is given; raises EOFError where there is none."""


class Left(Enum):
    """How an exercise was left."""

    PASSED = auto()
    SKIPPED = auto()
    QUIT = auto()


class Dialogue:
    """A student at a terminal.

    Args:
        console: what is shown goes there.
        ask: how the student is asked.
        workers: where answers are graded.
        progress: what is done so far.
        folder: where programs to mend are put.
        items: all exercises, in order.
    """

    def __init__(
        self,
        console: Console,
        ask: Ask,
        workers: Starts,
        progress: ProgressFile,
        folder: Path,
        items: Sequence[Item],
    ) -> None:
        self._console, self._ask = console, ask
        self._workers, self._progress = workers, progress
        self._folder, self._items = folder, items

    def go_on(self) -> None:
        """Do what is not done yet, in order, until the student quits."""
        for item in self._items:
            if self._progress.read().of(item.name).passed:
                continue
            left = self.do(item)
            if left is Left.QUIT or (left is Left.PASSED and not self._wants_more()):
                self.say("Your progress is kept. `wolfsbane practice` goes on from here.")
                return
        self._say_what_is_left()

    def do(self, item: Item) -> Left:
        """Do one exercise, until it is passed or left."""
        show_item(self._console, item, self._items.index(item) + 1, len(self._items))
        if isinstance(item, Question):
            return _Questioning(self, item).run()
        return _Mending(self, item, ExerciseFile(item, self._folder)).run()

    def say(self, text: str) -> None:
        """Print a sentence of our own."""
        self._console.print(Text(f"\n{text}"))

    def tell(self, text: str) -> None:
        """Print Markdown, such as a hint's."""
        self._console.print()
        show(self._console, blocks.Text(text))

    def show_program(self, program: str) -> None:
        """Print a program."""
        show_program(self._console, program)

    def ask(self, prompt: str) -> str:
        """Return what the student answers, without blanks at its ends; `q` where nothing comes."""
        self._console.print()
        try:
            return self._ask(prompt).strip()
        except EOFError:
            self._console.print()
            return "q"

    def attempt(self, item: Item, answer: Answer) -> bool:
        """Grade an answer and show what comes of it; return whether it passed."""
        self.say("Running it ...")
        return attempt(
            self._workers, self._progress, item, answer, lambda block: show(self._console, block)
        )

    def last_program(self, item: Item) -> str | None:
        """Return what the student last made of a program, here or on the page."""
        return self._progress.read().of(item.name).program

    def _wants_more(self) -> bool:
        return self.ask("Enter goes on to the next exercise, q quits: ").lower() != "q"

    def _say_what_is_left(self) -> None:
        done = self._progress.read()
        left = [item.name for item in self._items if not done.of(item.name).passed]
        if left:
            self.say(f"Skipped, and not done yet: {', '.join(left)}.")
        else:
            self.say(
                f"All {len(self._items)} exercises are done. `wolfsbane practice NAME` does one "
                "again; `wolfsbane practice --list` names them."
            )


class _Hints:
    """An exercise's hints, one at a time."""

    def __init__(self, dialogue: Dialogue, item: Item) -> None:
        self._dialogue, self._hints, self._given = dialogue, item.hints, 0

    def give(self) -> None:
        """Print the next hint; after the last, the last again."""
        self._given = min(self._given + 1, len(self._hints))
        number = f"Hint {self._given} of {len(self._hints)}"
        self._dialogue.tell(f"{number}: {self._hints[self._given - 1]}")


class _Questioning:
    """One question, asked until it is answered rightly or left."""

    def __init__(self, dialogue: Dialogue, question: Question) -> None:
        self._dialogue, self._question = dialogue, question
        self._letters = LETTERS[: len(question.choices)]
        self._hints = _Hints(dialogue, question)

    def run(self) -> Left:
        """Ask until it is left."""
        prompt = f"Your answer ({', '.join(self._letters)}); h hint, s skip, q quit: "
        left = None
        while left is None:
            left = self._heed(self._dialogue.ask(prompt).lower())
        return left

    def _heed(self, said: str) -> Left | None:
        if said in ("s", "q"):
            return Left.SKIPPED if said == "s" else Left.QUIT
        if said == "h":
            self._hints.give()
        elif len(said) == 1 and said in self._letters:
            if self._dialogue.attempt(self._question, self._letters.index(said)):
                return Left.PASSED
        else:
            self._dialogue.say(f"Type one of the letters {', '.join(self._letters)}, h, s or q.")
        return None


class _Mending:
    """One program to mend, run until it passes or is left."""

    def __init__(self, dialogue: Dialogue, repair: Repair, file: ExerciseFile) -> None:
        self._dialogue, self._repair, self._file = dialogue, repair, file
        self._hints = _Hints(dialogue, repair)

    def run(self) -> Left:
        """Ask until it is left."""
        self._make()
        edit = ", e edit" if _editor() else ""
        prompt = f"Enter runs the file; h hint{edit}, r put back, s skip, q quit: "
        left = None
        while left is None:
            left = self._heed(self._dialogue.ask(prompt).lower())
        return left

    def _make(self) -> None:
        path = self._file.path
        is_new = self._file.make(self._dialogue.last_program(self._repair))
        program = self._read()
        if program is not None:
            self._dialogue.show_program(program)
        if is_new:
            self._dialogue.say(f"This program is in {path}. Mend it there, and save it.")
        else:
            self._dialogue.say(f"Your {path} is there from before, and is left as it is.")

    def _heed(self, said: str) -> Left | None:
        if said in ("s", "q"):
            return Left.SKIPPED if said == "s" else Left.QUIT
        if said == "":
            return Left.PASSED if self._passes() else None
        actions = {"h": self._hints.give, "e": self._edit, "r": self._put_back}
        actions.get(said, self._say_what_may_be_said)()
        return None

    def _passes(self) -> bool:
        program = self._read()
        return program is not None and self._dialogue.attempt(self._repair, program)

    def _read(self) -> str | None:
        try:
            return self._file.read()
        except DataError as error:
            self._dialogue.say(f"{error}. r puts the exercise's program there.")
            return None

    def _edit(self) -> None:
        editor = _editor()
        if not editor:
            self._dialogue.say(
                f"EDITOR names no editor. Open {self._file.path} in an editor yourself."
            )
            return
        self._file.make()
        try:
            subprocess.run([*editor, str(self._file.path)], check=False)  # noqa: S603  # the user's
        except OSError as error:
            self._dialogue.say(f"{editor[0]} cannot be started: {error.strerror or error}.")

    def _put_back(self) -> None:
        question = f"Put the exercise's program back into {self._file.path}? What is there is lost "
        if self._dialogue.ask(f"{question}[y/N]: ").lower() in ("y", "yes"):
            self._file.put_back()
            self._dialogue.say("It is as it was given.")
        else:
            self._dialogue.say("It is left as it is.")

    def _say_what_may_be_said(self) -> None:
        self._dialogue.say("Press Enter to run the file, or type h, e, r, s or q.")


def _editor() -> list[str]:
    """Return the command of the student's editor, in parts; empty where none is set."""
    with suppress(ValueError):  # A quotation mark that is not closed.
        return shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")
    return []
