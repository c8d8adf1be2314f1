"""Which format renders what."""

import enum
from collections.abc import Iterable, Sequence
from pathlib import Path

from wolfsbane.audit.finding import Finding
from wolfsbane.audit.output import github, json, sarif, text
from wolfsbane.audit.output.report import Report
from wolfsbane.audit.registry import all_rules
from wolfsbane.audit.rule import Rule
from wolfsbane.errors import ArgumentError


class Format(enum.StrEnum):
    """How findings are told."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


def render(
    findings: Sequence[Finding],
    format: str = Format.TEXT,
    *,
    rules: Iterable[type[Rule]] | None = None,
    root: Path | None = None,
    statistics: bool = False,
    color: bool = False,
    notes: Iterable[str] | None = None,
    script: str | None = None,
) -> str:
    """Return findings, of whatever channel, in a format.

    Args:
        findings: what was found.
        format: text, json, sarif or github.
        rules: the rules that SARIF lists; by default all.
        root: the folder that paths count from in json, sarif and github; by default the
            current one.
        statistics: counts by rule in place of the findings (text, json).
        color: text for a terminal that has colours.
        notes: what could not be looked at; by default what the findings themselves say.
        script: a program to which sarif assigns what is in no file, such as a layer of a model:
            GitHub refuses results without a file.

    Raises:
        ArgumentError: there is no such format, or it has no statistics.
    """
    listed = tuple(all_rules() if rules is None else rules)
    told = getattr(findings, "notes", ()) if notes is None else notes
    report = Report(findings, listed, root or Path.cwd(), notes=tuple(told), script=script)
    return render_report(report, format, statistics=statistics, color=color)


def render_report(
    report: Report,
    format: str,
    *,
    statistics: bool = False,
    color: bool = False,
    summary: bool = True,
) -> str:
    """Return a report in a format; `summary` is whether text ends by counting.

    Raises:
        ArgumentError: there is no such format, or it has no statistics.
    """
    match format:
        case Format.TEXT:
            return _text(report, statistics, color, summary)
        case Format.JSON:
            return json.statistics(report) if statistics else json.render(report)
        case Format.SARIF | Format.GITHUB if statistics:
            raise ArgumentError(f"statistics are told as text or json, not as {format}")
        case Format.SARIF:
            return sarif.render(report)
        case Format.GITHUB:
            return github.render(report)
    known = ", ".join(Format)
    raise ArgumentError(f"findings are told as {known}, but got {format!r}")


def _text(report: Report, statistics: bool, color: bool, summary: bool) -> str:
    if statistics:
        return text.statistics(report, summary)
    return text.render(report, color, summary)
