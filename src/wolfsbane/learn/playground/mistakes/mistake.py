"""What a mistake of the menu consists of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """A way to break the program.

    Attributes:
        name: its value in the menu, such as "train-not-restored".
        rule: the code of the auditor's rule that names it.
        title: in the menu.
        watch: what to look at, in Markdown, before the run.
    """

    name: str
    rule: str
    title: str
    watch: str
