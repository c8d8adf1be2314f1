"""Findings as JSON. Its shape is described in docs/check.md; `version` counts its changes."""

import json
from typing import Any

from wolfsbane.audit.checking.fingerprint import fingerprints, relative_path
from wolfsbane.audit.finding import Finding, Fix, Place, Span
from wolfsbane.audit.output.report import Report

VERSION = 1


def render(report: Report) -> str:
    """Return the findings."""
    prints = fingerprints(report.findings, report.line, report.root)
    findings = [
        _finding(finding, text, report)
        for finding, text in zip(report.findings, prints, strict=True)
    ]
    return _document(report, {"findings": findings, "notes": list(report.notes)})


def statistics(report: Report) -> str:
    """Return how often each rule found something."""
    rows = [
        {"code": code, "name": name, "count": count, "fixable": fixable}
        for code, name, count, fixable in report.counts()
    ]
    return _document(report, {"statistics": rows})


def _document(report: Report, body: dict[str, Any]) -> str:
    known = None if report.known is None else len(report.known)
    head = {"version": VERSION, "fixed": report.num_fixed, "in_baseline": known}
    return json.dumps(head | body, indent=2) + "\n"


def _finding(finding: Finding, fingerprint: str, report: Report) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "channel": finding.channel.value,
        "message": finding.message,
        "help": finding.help,
        "place": _place(finding.place, report),
        "related": [
            {"place": _place(place, report), "message": what} for place, what in finding.related
        ],
        "fix": finding.fix and _fix(finding.fix),
        "fingerprint": fingerprint,
    }


def _place(place: Place, report: Report) -> dict[str, Any]:
    return {
        "file": None if place.file is None else relative_path(place.file, report.root),
        "cell": place.cell,
        "module": place.module,
        **_span(place.span),
    }


def _span(span: Span | None) -> dict[str, Any]:
    names = ("line", "column", "end_line", "end_column")
    return {name: getattr(span, name, None) for name in names}


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [_span(edit.span) | {"text": edit.text} for edit in fix.edits]
    return {"does": fix.does, "safe": fix.is_safe, "edits": edits}
