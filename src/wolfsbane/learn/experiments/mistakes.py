"""Section 9, what goes wrong: programs of the auditor's rules, run and read; all rules at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from wolfsbane.audit import Channel, Example, Finding, Rule, all_rules, check_model, check_source
from wolfsbane.audit.documentation import page_of
from wolfsbane.audit.run.script import watch_everything
from wolfsbane.learn.blocks import (
    Block,
    Cell,
    Mark,
    Outcome,
    Printed,
    Progress,
    Table,
    Text,
)
from wolfsbane.learn.experiments.tables import row
from wolfsbane.learn.practice.found import as_block
from wolfsbane.learn.practice.running import FILE, Ran, fresh_start, run

MODEL_ARGUMENTS = ("model", "example_inputs", "loss", "optimizer", "loader")
"""The names of an example's that are check_model's arguments."""

SEED = 0


class Says(StrEnum):
    """How torch itself shows a mistake."""

    ERROR = "an error"
    WARNING = "a warning"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Examined:
    """A program that was run, and what the auditor says of it.

    Attributes:
        example: the program.
        ran: how it ran.
        findings: of the rule that it is an example of.
    """

    example: Example
    ran: Ran
    findings: tuple[Finding, ...]

    @property
    def says(self) -> Says:
        """What torch said while it ran."""
        if not self.ran.ended_well:
            return Says.ERROR
        return Says.WARNING if "Warning: " in self.ran.output else Says.NOTHING

    def blocks(self) -> Iterator[Block]:
        """Yield the program with what it said, and the findings."""
        yield Printed(program_of(self.example), self.ran.output, self.ran.error)
        for each in self.findings:
            yield as_block(each)


def one_mistake(rule: str) -> Iterator[Block]:
    """Run a rule's program with the mistake and its repaired twin, and have both audited."""
    chosen = next(each for each in all_rules() if each.code == rule)
    yield Text(f"**{chosen.code} {chosen.name}**: {page_of(chosen).summary}")
    bad, good = examples_of(chosen)
    with_mistake = examine(chosen, bad)
    yield Text("With the mistake:")
    yield from with_mistake.blocks()
    repaired = examine(chosen, good)
    yield Text("Repaired:")
    yield from repaired.blocks()
    if not repaired.findings:
        yield Text("The auditor finds nothing in the repaired program.")
    yield _outcome(with_mistake)


def examples_of(rule: type[Rule]) -> tuple[Example, Example]:
    """Return a rule's program with the mistake and the repaired one.

    One that trains, where the rule has such; else one that builds a model; else one to be read.
    """
    examples = (*page_of(rule).examples, *rule.examples)
    for channel in (Channel.RUN, Channel.MODEL, Channel.SOURCE):
        own = [each for each in examples if each.channel is channel]
        bad = next((each for each in own if each.is_invalid), None)
        good = next((each for each in own if not each.is_invalid), None)
        if bad and good:
            return bad, good
    raise AssertionError(f"{rule.code} has no pair of examples")


def program_of(example: Example) -> str:
    """Return an example's text, without the lines that only hold the place of its other half."""
    lines = example.code.strip().splitlines()
    return "".join(f"{line}\n" for line in lines if line.strip() != "pass")


def examine(rule: type[Rule], example: Example) -> Examined:
    """Run a program, and have the rule look at it through the example's channel."""
    code = program_of(example)
    found: list[Finding] = []
    with fresh_start(SEED):
        within = _watched(rule, found) if example.channel is Channel.RUN else None
        ran = run(code, within=within)
        if example.channel is Channel.SOURCE:
            found += check_source(code, FILE, [rule])
        if example.channel is Channel.MODEL and "model" in ran.names:
            arguments = {name: ran.names[name] for name in MODEL_ARGUMENTS if name in ran.names}
            found += check_model(**arguments, rules=[rule])
    return Examined(example, ran, tuple(found))


@contextmanager
def _watched(rule: type[Rule], found: list[Finding]) -> Iterator[None]:
    """Collect what a rule finds in the block, also where an error ends it."""
    try:
        with watch_everything([rule]) as findings:
            yield
    finally:
        found += findings


def _outcome(examined: Examined) -> Outcome:
    choice = (Says.ERROR, Says.WARNING, Says.NOTHING).index(examined.says)
    how = {
        Channel.RUN: "watched it train",
        Channel.MODEL: "looked into its model",
        Channel.SOURCE: "read its text",
    }[examined.example.channel]
    words = {
        Says.ERROR: "The program ended with an error of torch's.",
        Says.WARNING: "The program ran to its end, and torch warned.",
        Says.NOTHING: "The program ran to its end, and torch said nothing.",
    }[examined.says]
    count = len(examined.findings)
    found = "1 finding" if count == 1 else f"{count} findings"
    return Outcome(choice, f"{words} The auditor {how}: {found}.")


def all_mistakes(family: str) -> Iterator[Block]:
    """Run the program with the mistake of every rule, and tell who noticed."""
    rules = [each for each in all_rules() if each.code.startswith(family)]
    rows: list[tuple[Cell, ...]] = []
    heard = 0
    for done, rule in enumerate(rules):
        yield Progress(done, len(rules), f"{rule.code} {rule.name}")
        examined = examine(rule, examples_of(rule)[0])
        heard += examined.says is not Says.NOTHING
        rows.append(_rule_row(rule, examined))
        yield Table(
            "A program for each rule: what torch said, and through what the auditor found it",
            ("rule", "name", "seen in", "torch said", "auditor"),
            tuple(rows),
            key="rules",
        )
    yield Progress(len(rules), len(rules), "all rules")
    yield _how_many_heard(heard, len(rules))


def _rule_row(rule: type[Rule], examined: Examined) -> tuple[Cell, ...]:
    channel = examined.example.channel.value
    found = Cell(f"found ({channel})") if examined.findings else Cell("not found", Mark.WORSE)
    channels = ", ".join(each.value for each in rule.channels())
    return row(rule.code, (rule.name, channels, examined.says.value, found))


FEW = 0.25


def _how_many_heard(heard: int, total: int) -> Outcome:
    choice = 0 if heard == 0 else 1 if heard <= FEW * total else 2
    return Outcome(
        choice,
        f"Of {total} programs torch itself noticed something in {heard}, by an error or a warning.",
    )
