"""What a mistake of the menu consists of, and how it gets into a program."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wolfsbane.learn.playground.setup import Setup

Adjust = Callable[["Setup"], "Setup"]


def as_it_is(setup: "Setup") -> "Setup":
    """Return a setup that a mistake leaves alone."""
    return setup


@dataclass(frozen=True)
class Edit:
    """A replacement in the program's text.

    Attributes:
        old: a regular expression that matches once.
        new: what takes its place, with groups as `re.sub` has them.
    """

    old: str
    new: str | Callable[[re.Match[str]], str]

    def apply(self, program: str) -> str:
        """Return the program with the replacement made."""
        edited, number = re.subn(self.old, self.new, program, flags=re.MULTILINE)
        assert number == 1, f"{self.old!r} matches {number} times"
        return edited


@dataclass(frozen=True)
class Mistake:
    """A way to break the program.

    Attributes:
        name: its value in the menu, such as "train-not-restored".
        rule: the code of the auditor's rule that names it.
        title: in the menu.
        watch: what to look at in the run, in Markdown.
        edits: what it changes in the text of the program.
        needs: gives a setup in which it can be made: dropout cannot be misused where there is none.
            The sound network that the broken one is compared with has this setup too.
        breaks: the setup as the mistake has it, where the mistake is in the setup.
    """

    name: str
    rule: str
    title: str
    watch: str
    edits: tuple[Edit, ...] = ()
    needs: Adjust = as_it_is
    breaks: Adjust = as_it_is

    def broken(self, setup: "Setup", write: Callable[["Setup"], str]) -> str:
        """Return a setup's program with the mistake in it.

        Args:
            setup: what the student set.
            write: gives the sound program of a setup.
        """
        program = write(self.breaks(self.needs(setup)))
        for edit in self.edits:
            program = edit.apply(program)
        return program
