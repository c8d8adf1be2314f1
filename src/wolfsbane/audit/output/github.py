"""Findings as commands of GitHub Actions, which shows them beside the changed lines."""

import dataclasses

from wolfsbane.audit.checking.fingerprint import relative_path
from wolfsbane.audit.finding import Finding, Severity
from wolfsbane.audit.output.report import Report

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(report: Report) -> str:
    """Return one command for each finding."""
    return "".join(f"{_command(finding, report)}\n" for finding in report.findings)


def _command(finding: Finding, report: Report) -> str:
    place = finding.place
    properties: dict[str, object] = {}
    if place.file is not None:
        place = dataclasses.replace(place, file=relative_path(place.file, report.root))
        properties["file"] = place.file
    if place.span is not None and place.cell is None:
        properties |= {"line": place.span.line, "col": place.span.column}
        properties |= {"endLine": place.span.end_line}
        if place.span.end_line == place.span.line:
            properties["endColumn"] = place.span.end_column
    elif place.file is not None:
        properties["line"] = 1  # A cell's line is no line of the notebook's file.
    properties["title"] = f"{finding.code} ({finding.name})"
    told = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    message = f"{place}: {finding.code} {finding.message}. {finding.help}"
    return f"::{COMMANDS[finding.severity]} {told}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
