"""What an audit returns: its findings, in order, with what could not be looked at."""

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from wolfsbane.audit.finding import Finding


class Findings(Sequence[Finding]):
    """Findings, in a sequence that prints itself as a linter does.

    Args:
        findings: what was found.
        notes: what could not be looked at, and why, in sentences.

    Examples:
        >>> print(Findings([]))
        no findings
    """

    def __init__(self, findings: Iterable[Finding] = (), notes: Iterable[str] = ()) -> None:
        self._findings = list(findings)
        self.notes = list(notes)

    def extend(self, findings: Iterable[Finding], notes: Iterable[str] = ()) -> None:
        """Add what is found later, as at the end of a run that is watched."""
        self._findings.extend(findings)
        self.notes.extend(notes)

    @overload
    def __getitem__(self, index: int) -> Finding: ...

    @overload
    def __getitem__(self, index: slice) -> "Findings": ...

    def __getitem__(self, index: int | slice) -> "Finding | Findings":
        if isinstance(index, slice):
            return Findings(self._findings[index], self.notes)
        return self._findings[index]

    def __len__(self) -> int:
        return len(self._findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    @property
    def codes(self) -> list[str]:
        """The codes that were found, each once, in order."""
        return list(dict.fromkeys(finding.code for finding in self))

    def of(self, code: str) -> "Findings":
        """Return the findings with this code."""
        return Findings((finding for finding in self if finding.code == code), self.notes)

    def __str__(self) -> str:
        """One line for each finding, with its help, then the notes."""
        if not self._findings and not self.notes:
            return "no findings"
        lines = [f"{finding}\n    help: {finding.help}" for finding in self]
        return "\n".join([*(lines or ["no findings"]), *(f"note: {note}" for note in self.notes)])

    def __repr__(self) -> str:
        return f"Findings({self._findings!r}, notes={self.notes!r})"
