"""How an answer to a question is graded: torch decides which claim holds."""

from collections.abc import Iterator

from wolfsbane.errors import ArgumentError, UnsupportedError
from wolfsbane.learn.blocks import Block, Graded, Printed
from wolfsbane.learn.practice.claims import Verdict, decide
from wolfsbane.learn.practice.item import Question
from wolfsbane.learn.practice.running import PROBE, fresh_start, new_seed, run

AUTHORS_MISTAKES = ("NameError", "SyntaxError")
"""What a claim does not raise because torch does: it is misspelt."""


def question_blocks(question: Question, choice: int, seed: int | None = None) -> Iterator[Block]:
    """Yield what the program prints, what the choice's probe prints, and the grade.

    Args:
        question: the item.
        choice: which answer, counted from 0.
        seed: of the program's random numbers; by default a new one.

    Raises:
        ArgumentError: there is no such choice.
        UnsupportedError: not exactly one choice is right: the item is at fault.
    """
    if isinstance(choice, bool) or not 0 <= choice < len(question.choices):
        raise ArgumentError(
            f"{question.name} has choices 0 to {len(question.choices) - 1}, but got {choice!r}"
        )
    seed = new_seed() if seed is None else seed
    chosen, decided = question.choices[choice], verdicts(question, seed)
    _check_one_is_right(question, decided)
    yield from _printed(question, chosen.probe, seed)
    yield Graded(
        passed=decided[choice].holds,
        said=chosen.text,
        measured=f"Your answer, as an expression after the program: {decided[choice]}.",
        why=chosen.why,
        misconception=chosen.misconception,
        rule=chosen.rule,
    )


def verdicts(question: Question, seed: int | None = None) -> tuple[Verdict, ...]:
    """Run a question's program, and decide the claim of each choice after it, in order.

    Args:
        question: the item.
        seed: of the program's random numbers; by default a new one.
    """
    with fresh_start(seed):
        names = run(question.program).names
        return tuple(decide(choice.claim, names) for choice in question.choices)


def _printed(question: Question, probe: str, seed: int) -> Iterator[Printed]:
    """Run all again from the same seed: what a claim has changed is not seen by a probe."""
    with fresh_start(seed):
        ran = run(question.program)
        if ran.output or ran.error:
            program = "" if question.shows_program else question.program
            yield Printed(program=program, output=ran.output, error=ran.error)
        if probe:
            probed = run(probe, main=ran.main, file=PROBE)
            yield Printed(program=probe, output=probed.output, error=probed.error)


def _check_one_is_right(question: Question, decided: tuple[Verdict, ...]) -> None:
    if sum(verdict.holds for verdict in decided) == 1 and not any(map(_is_misspelt, decided)):
        return
    listed = "; ".join(map(str, decided))
    raise UnsupportedError(
        f"{question.name}: exactly one choice's claim has to be true, but: {listed}. "
        "The exercise is at fault, not your answer: please report it"
    )


def _is_misspelt(verdict: Verdict) -> bool:
    return verdict.error.startswith(AUTHORS_MISTAKES)
