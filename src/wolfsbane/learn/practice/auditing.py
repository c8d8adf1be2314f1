"""What the auditor says of a program: of its text, and of its run."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from wolfsbane.audit.finding import Finding
from wolfsbane.audit.findings import Findings
from wolfsbane.audit.registry import Chosen
from wolfsbane.audit.run.registry import Registry
from wolfsbane.audit.run.sampling import sampling_of
from wolfsbane.audit.run.watching import watched_run
from wolfsbane.audit.source.check import check_source
from wolfsbane.learn import blocks
from wolfsbane.learn.practice.found import as_block, line_of
from wolfsbane.learn.practice.running import FILE, Ran, run


@dataclass(frozen=True)
class Audited:
    """A program that was read, and run under the auditor.

    Attributes:
        ran: its run.
        findings: of text and run, each once.
        notes: what could not be looked at.
    """

    ran: Ran
    findings: tuple[blocks.Finding, ...]
    notes: tuple[str, ...]


def audit(program: str, rules: Chosen = None) -> Audited:
    """Read a program and run it, watched.

    Args:
        program: Python, without an error of syntax.
        rules: which rules; by default all but opinions.
    """
    in_text = check_source(program, FILE, rules)
    findings = Findings()
    ran = run(program, within=_watched(rules, findings))
    found = dict(_by_place([*in_text, *findings]))
    return Audited(ran, tuple(as_block(each) for each in found.values()), tuple(findings.notes))


@contextmanager
def _watched(rules: Chosen, into: Findings) -> Iterator[None]:
    """Watch what is run in this block; the findings are there after an exception too."""
    findings = Findings()
    try:
        with watched_run(Registry(None), rules, sampling_of(None)) as findings:
            yield
    finally:
        into.extend(findings, findings.notes)


def _by_place(findings: Iterable[Finding]) -> Iterator[tuple[object, Finding]]:
    """Yield findings by what makes them the same; a run's, with its figures, replaces a text's."""
    for each in findings:
        line = line_of(each)
        yield (each.code, line) if line else each, each
