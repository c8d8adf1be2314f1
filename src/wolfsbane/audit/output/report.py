"""What an output is made of."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wolfsbane.audit.checking.fixes import is_applicable
from wolfsbane.audit.finding import Finding, Place
from wolfsbane.audit.output.excerpts import Excerpts
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.source.reading.programs import PROBLEM_CODE


@dataclass(frozen=True)
class Report:
    """Findings, and what is told with them.

    Args:
        findings: what was found, in order.
        rules: all rules, which SARIF lists.
        root: the folder that paths count from in output for programs.
        excerpts: the lines that findings are in.
        notes: what could not be looked at, and why.
        known: findings that the baseline hides; None without a baseline.
        num_fixed: how many fixes were made.
        script: the program to which SARIF assigns what is in no file.
        unsafe: whether unsafe fixes count as ones that may be made.
    """

    findings: Sequence[Finding]
    rules: Sequence[type[Rule]] = ()
    root: Path = field(default_factory=Path.cwd)
    excerpts: Excerpts = field(default_factory=Excerpts)
    notes: Sequence[str] = ()
    known: Sequence[Finding] | None = None
    num_fixed: int = 0
    script: str | None = None
    unsafe: bool = False

    @property
    def problems(self) -> list[Finding]:
        """The files that could not be read."""
        return [finding for finding in self.findings if finding.code == PROBLEM_CODE]

    @property
    def found_by_rules(self) -> list[Finding]:
        """The findings of rules."""
        return [finding for finding in self.findings if finding.code != PROBLEM_CODE]

    def counts(self) -> list[tuple[str, str, int, int]]:
        """Return code, name, how many, and how many can be fixed: the most frequent first."""
        number = Counter((finding.code, finding.name) for finding in self.findings)
        fixable = Counter(
            finding.code for finding in self.findings if is_applicable(finding.fix, self.unsafe)
        )
        rows = [(code, name, count, fixable[code]) for (code, name), count in number.items()]
        return sorted(rows, key=lambda row: (-row[2], row[0]))

    def line(self, place: Place) -> str | None:
        """Return the line that a place begins in, where it can be read."""
        return self.excerpts.line(place)
