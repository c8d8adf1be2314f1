"""Findings that are known and accepted: `wolfsbane check` shows those that came after."""

import json
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wolfsbane.audit.checking.fingerprint import LineOf, absolute, fingerprints, relative_path
from wolfsbane.audit.finding import Finding
from wolfsbane.audit.source.reading.programs import PROBLEM_CODE
from wolfsbane.errors import DataError

VERSION = 1


@dataclass(frozen=True)
class Entry:
    """A known finding."""

    fingerprint: str
    code: str
    path: str
    message: str


@dataclass(frozen=True)
class Baseline:
    """Known findings.

    Args:
        file: where they are recorded; their paths count from its folder.
        entries: the findings.
    """

    file: Path
    entries: tuple[Entry, ...]

    def split(
        self, findings: Sequence[Finding], line_of: LineOf
    ) -> tuple[list[Finding], list[Finding], set[str]]:
        """Return those that are new, those that are known, and the fingerprints of these."""
        known = {entry.fingerprint for entry in self.entries}
        prints = fingerprints(findings, line_of, absolute(self.file).parent)
        pairs = list(zip(findings, prints, strict=True))
        new = [finding for finding, text in pairs if text not in known]
        old = [finding for finding, text in pairs if text in known]
        return new, old, {text for text in prints if text in known}

    def stale(self, seen: set[str], files: Iterable[str], codes: Container[str]) -> list[Entry]:
        """Return the entries that were looked for, and were not seen.

        Args:
            seen: fingerprints of what was found.
            files: those that were looked at; those that are gone count too.
            codes: of the rules that looked.
        """
        folder = absolute(self.file).parent
        looked_at = {relative_path(file, folder) for file in files}
        return [
            entry
            for entry in self.entries
            if entry.fingerprint not in seen
            and entry.code in codes
            and (entry.path in looked_at or not (folder / entry.path).exists())
        ]


def read_baseline(file: Path) -> Baseline:
    """Return the findings that a file records.

    Raises:
        DataError: it is missing, or is no baseline.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"the baseline {file} does not exist; --write-baseline makes it"
        raise DataError(message) from error
    except OSError as error:
        raise DataError(f"the baseline {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(_no_baseline(file, f"it is not JSON: {error}")) from error
    if not isinstance(data, dict) or data.get("version") != VERSION:
        raise DataError(_no_baseline(file, f'it has no "version": {VERSION}'))
    try:
        entries = tuple(Entry(**entry) for entry in data["findings"])
    except (KeyError, TypeError) as error:
        raise DataError(_no_baseline(file, f"an entry is incomplete: {error}")) from error
    return Baseline(file, entries)


def baseline_of(file: Path, findings: Iterable[Finding], line_of: LineOf) -> Baseline:
    """Return a baseline of findings; what cannot be read is no finding to be accepted."""
    accepted = [finding for finding in findings if finding.code != PROBLEM_CODE]
    folder = absolute(file).parent
    prints = fingerprints(accepted, line_of, folder)
    entries = [
        Entry(text, finding.code, relative_path(finding.place.file, folder), finding.message)
        for finding, text in zip(accepted, prints, strict=True)
    ]
    return Baseline(file, tuple(sorted(entries, key=lambda one: (one.path, one.code))))


def write_baseline(baseline: Baseline) -> None:
    """Write a baseline to its file.

    Raises:
        OSError: it cannot be written.
    """
    findings = [vars(entry) for entry in baseline.entries]
    text = json.dumps({"version": VERSION, "findings": findings}, indent=2)
    baseline.file.write_text(f"{text}\n", encoding="utf-8")


def _no_baseline(file: Path, why: str) -> str:
    return f"{file} is not a baseline of wolfsbane: {why}; --write-baseline makes one"
