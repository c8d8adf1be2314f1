"""Findings as SARIF 2.1.0, the format of code scanning (OASIS, 2020; errata 1, 2023)."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import wolfsbane
from wolfsbane.audit.checking.fingerprint import fingerprints, relative_path
from wolfsbane.audit.documentation import REFERENCES, WHAT, page_of
from wolfsbane.audit.finding import Finding, Fix, Place, Span
from wolfsbane.audit.output.report import Report
from wolfsbane.audit.rule import Rule

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LINK = re.compile(r"https://[^\s()<>\]]+")
ROOT = "%SRCROOT%"
FINGERPRINT = "wolfsbane/v1"


def render(report: Report) -> str:
    """Return a log with one run."""
    run: dict[str, Any] = {
        "tool": {"driver": _driver(report.rules)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "invocations": [_invocation(report)],
        "results": _results(report),
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _driver(rules: Sequence[type[Rule]]) -> dict[str, Any]:
    return {
        "name": "wolfsbane",
        "semanticVersion": wolfsbane.__version__,
        "rules": [_rule(rule) for rule in rules],
    }


def _rule(rule: type[Rule]) -> dict[str, Any]:
    page = page_of(rule)
    what = page.sections.get(WHAT, "").strip()
    links = LINK.findall(page.sections.get(REFERENCES, ""))
    described: dict[str, Any] = {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": page.summary},
        "fullDescription": {"text": " ".join(what.split()) or page.summary},
        "help": {"text": page.markdown(), "markdown": page.markdown()},
        "defaultConfiguration": {"enabled": not rule.is_opinion(), "level": rule.severity.value},
        "properties": {"tags": [channel.value for channel in rule.channels()]},
    }
    return described | ({"helpUri": links[0]} if links else {})


def _invocation(report: Report) -> dict[str, Any]:
    """Return how the run went: files that could not be read are no results of a rule."""
    problems = [
        {
            "descriptor": {"id": finding.code},
            "level": "error",
            "message": {"text": f"{_where(finding.place)}{finding.message}"},
            "locations": [_location(finding.place, report)],
        }
        for finding in report.problems
    ]
    notes = [{"level": "note", "message": {"text": note}} for note in report.notes]
    return {"executionSuccessful": True, "toolExecutionNotifications": [*problems, *notes]}


def _results(report: Report) -> list[dict[str, Any]]:
    """Return the findings, and with a baseline those that it knows."""
    known = list(report.known or ())
    findings = [*report.found_by_rules, *known]
    prints = fingerprints(findings, report.line, report.root)
    states = [None if report.known is None else "new"] * len(report.found_by_rules)
    pairs = zip(findings, prints, [*states, *["unchanged"] * len(known)], strict=True)
    return [_result(finding, text, state, report) for finding, text, state in pairs]


def _result(
    finding: Finding, fingerprint: str, state: str | None, report: Report
) -> dict[str, Any]:
    index = {rule.code: number for number, rule in enumerate(report.rules)}
    text = f"{_where(finding.place)}{finding.message}. {finding.help}."
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": finding.severity.value,
        "message": {"text": text},
        "locations": [_location(finding.place, report)],
        "partialFingerprints": {FINGERPRINT: fingerprint},
        "properties": {"channel": finding.channel.value},
    }
    if finding.code in index:
        result["ruleIndex"] = index[finding.code]
    if finding.related:
        result["relatedLocations"] = [
            _location(place, report) | {"id": number, "message": {"text": what}}
            for number, (place, what) in enumerate(finding.related, 1)
        ]
    if finding.fix and finding.place.file and finding.place.cell is None:
        result["fixes"] = [_fix(finding.fix, finding.place.file, report.root)]
    if state:
        result["baselineState"] = state
    if state == "unchanged":
        result["suppressions"] = [{"kind": "external", "justification": "It is in the baseline."}]
    return result


def _where(place: Place) -> str:
    """Return what a file and a region cannot say: a notebook's cell."""
    if place.cell is None:
        return ""
    line = "" if place.span is None else f", line {place.span.line}"
    return f"Cell {place.cell}{line}: "


def _location(place: Place, report: Report) -> dict[str, Any]:
    location: dict[str, Any] = {}
    file = report.script if place.file is None else place.file
    if file is not None:
        # A cell's line is no line of the notebook's file; GitHub wants one all the same.
        is_told = place.file is not None and place.span is not None and place.cell is None
        location["physicalLocation"] = {
            "artifactLocation": _artifact(file, report.root),
            "region": _region(place.span) if is_told and place.span else {"startLine": 1},
        }
    if place.module is not None:
        name = place.module or "(the model itself)"
        location["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "member"}]
    return location


def _artifact(file: str, root: Path) -> dict[str, Any]:
    path = relative_path(file, root)
    if Path(path).is_absolute():
        return {"uri": f"file://{_quoted(path)}"}
    return {"uri": _quoted(path), "uriBaseId": ROOT}


def _quoted(path: str) -> str:
    return quote_from_bytes(os.fsencode(path))


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _fix(fix: Fix, file: str, root: Path) -> dict[str, Any]:
    replacements = [
        {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        for edit in fix.edits
    ]
    change = {"artifactLocation": _artifact(file, root), "replacements": replacements}
    return {"description": {"text": fix.does}, "artifactChanges": [change]}
