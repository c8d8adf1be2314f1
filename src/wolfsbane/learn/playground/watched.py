"""A program's training under the auditor, epoch by epoch; an error is part of what is seen."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from wolfsbane.audit.findings import Findings
from wolfsbane.audit.run.script import watch_everything
from wolfsbane.audit.source.check import check_source
from wolfsbane.learn.blocks import Finding
from wolfsbane.learn.playground.building import Built, Scores, build
from wolfsbane.learn.playground.naming import named
from wolfsbane.learn.playground.setup import Setup
from wolfsbane.learn.practice.running import FILE
from wolfsbane.learn.practice.tracebacks import error_text

Result = TypeVar("Result")


@dataclass
class Watched:
    """A training that is run under the auditor.

    Attributes:
        program: its text.
        setup: what it was written for.
        built: its network and data, once they are made.
        error: the traceback of what ended it early; empty where nothing did.
        findings: of the text and of the run, once that has ended.
    """

    program: str
    setup: Setup
    built: Built | None = None
    error: str = ""
    findings: list[Finding] = field(default_factory=list)

    def run(self) -> Iterator[Scores]:
        """Train, and yield what the program says after each epoch."""
        seen: Findings = Findings()
        try:
            with watch_everything() as seen:
                self.built = build(self.program, self.setup)
                yield from self.built.fit()
        except Exception as error:  # noqa: BLE001  # mistakes raise; the error is what is to be seen
            self.error = error_text(error, FILE)
        found = [named(each) for each in (*check_source(self.program, FILE), *seen)]
        self.findings = list({each.key: each for each in found}.values())


def unwatched(function: Callable[[], Result]) -> Result:
    """Call a function while a training is watched, without its being seen.

    The auditor listens to the thread that trains, and takes whatever runs there for the program's.
    """
    with ThreadPoolExecutor(1) as other:
        return other.submit(function).result()
