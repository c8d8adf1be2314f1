"""What an exercise consists of: a question whose choices torch decides, or a program to mend."""

from dataclasses import dataclass
from enum import StrEnum


class Topic(StrEnum):
    """What an item is about."""

    DROPOUT = "dropout"
    NORM = "batch norm"
    ACTIVATION = "activations"
    TOGETHER = "all together"


@dataclass(frozen=True)
class Choice:
    """One answer to a question.

    Attributes:
        text: the answer, in Markdown, one line.
        claim: a Python expression, evaluated after the item's program: True exactly where the
            answer is right. So torch decides, not the author.
        why: why torch does what it does, in Markdown. It speaks to who chose this.
        misconception: the name of the belief behind a wrong answer, "dropout also acts in
            evaluation"; empty for the right one. No other choice of the item has the same.
        probe: a program, run after the item's in its names: what it prints is shown as what torch
            does about this answer. Where it raises, the error is shown.
        rule: the code of the auditor's rule about it, or empty.
    """

    text: str
    claim: str
    why: str
    misconception: str = ""
    probe: str = ""
    rule: str = ""


@dataclass(frozen=True)
class Question:
    """Which answer is right? Exactly one choice's claim holds, whatever the seed.

    Attributes:
        name: its address, such as "dropout-syntax".
        title: a few words.
        prompt: the question, in Markdown.
        program: is really run before the choices' claims; prints what there is to be seen.
        choices: two to five; the page shows them in this order.
        hints: from a nudge to nearly the answer; one to three.
        shows_program: whether the program is shown with the question, rather than with the answer.
        note: said with the question, such as "This program is meant to fail."
    """

    name: str
    title: str
    topic: Topic
    prompt: str
    program: str
    choices: tuple[Choice, ...]
    hints: tuple[str, ...]
    shows_program: bool = True
    note: str = ""


@dataclass(frozen=True)
class Check:
    """What a mended program has to do.

    Attributes:
        claim: a Python expression, evaluated after the student's program, in its names.
        message: what is wrong where the claim is not true, in Markdown: what this program does, in
            figures where it can (`{...}` is evaluated in the program's names, as in an f-string).
        why: the reason, in Markdown.
        misconception: the belief behind it.
        example: a whole program that fails just here: a wrong way to mend it. Tests run it.
        rule: the code of the auditor's rule about it, or empty.
    """

    claim: str
    message: str
    why: str
    misconception: str
    example: str
    rule: str = ""


@dataclass(frozen=True)
class Repair:
    """A program to mend.

    It passes when it runs to its end, the auditor finds nothing by `rules` in its text or its run,
    and every check's claim is true. What fails first is said, one thing at a time.

    Attributes:
        name, title, topic, hints: as of a question.
        prompt: what the program should do, and what it does instead, in Markdown.
        program: what the student is given. It is meant to fail.
        solution: a program that passes.
        checks: in the order in which they are said.
        rules: codes of the auditor's rules that have to be silent. The given program has findings
            by at least one of them, or fails a check.
        note: says that the given program is meant to fail, and how.
        why: said when it passes, in Markdown: why the mended program works.
    """

    name: str
    title: str
    topic: Topic
    prompt: str
    program: str
    solution: str
    checks: tuple[Check, ...]
    hints: tuple[str, ...]
    note: str
    rules: tuple[str, ...] = ()
    why: str = ""


Item = Question | Repair
