"""Findings mended: edits that fit together, until nothing changes; only what still parses."""

import ast
import difflib
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wolfsbane.audit.finding import Edit, Finding, Fix
from wolfsbane.audit.source.reading.programs import UNREADABLE, CellEdit, Program

MOST_PASSES = 10
"""A fix may make room for another; fixes that undo one another end here."""


@dataclass(frozen=True)
class Mended:
    """A program with its fixes made.

    Args:
        program: the program afterwards.
        findings: what is still found in it.
        num_fixed: how many fixes were made.
        refused: findings whose fix would have left no Python: mistakes of their rules.
    """

    program: Program
    findings: list[Finding]
    num_fixed: int
    refused: tuple[Finding, ...]


def is_applicable(fix: Fix | None, unsafe: bool) -> bool:
    """Whether a fix may be made."""
    return fix is not None and (fix.is_safe or unsafe)


def mend(program: Program, check: Callable[[Program], list[Finding]], unsafe: bool) -> Mended:
    """Return a program with what can be mended mended.

    Args:
        program: the program.
        check: returns what is found in a program.
        unsafe: make unsafe fixes too.
    """
    num_fixed = 0
    refused: dict[tuple[str, Fix], Finding] = {}
    findings = check(program)
    for _ in range(MOST_PASSES):
        wanted = [
            finding
            for finding in findings
            if is_applicable(finding.fix, unsafe) and (finding.code, finding.fix) not in refused
        ]
        made, program_then, broken = _make(program, compatible(wanted))
        refused.update({(one.code, one.fix): one for one in broken if one.fix})
        if program_then.encoded() == program.encoded():
            break
        program, num_fixed = program_then, num_fixed + made
        findings = check(program)
    return Mended(program, findings, num_fixed, tuple(refused.values()))


def compatible(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings whose fixes touch nothing that an earlier one's touches."""
    chosen: list[Finding] = []
    taken: dict[int | None, list[Edit]] = {}
    for finding in findings:
        assert finding.fix is not None
        others = taken.setdefault(finding.place.cell, [])
        if not any(_overlap(edit, other) for edit in finding.fix.edits for other in others):
            chosen.append(finding)
            others.extend(finding.fix.edits)
    return chosen


def _overlap(one: Edit, other: Edit) -> bool:
    """Whether two edits share a character, or insert at the same place."""
    first, second = sorted((one.span, other.span))
    end = (first.end_line, first.end_column)
    begin = (second.line, second.column)
    return begin < end or (first.line, first.column) == begin


def _make(program: Program, findings: Sequence[Finding]) -> tuple[int, Program, list[Finding]]:
    """Make the fixes of these findings: how many, the program, and those that break it."""
    if not findings:
        return 0, program, []
    together = program.edited(_edits(findings))
    if _parses(together, program):
        return len(findings), together, []
    good: list[Finding] = []
    broken: list[Finding] = []
    for finding in findings:
        fits = _parses(program.edited(_edits([*good, finding])), program)
        (good if fits else broken).append(finding)
    return len(good), program.edited(_edits(good)), broken


def _edits(findings: Iterable[Finding]) -> list[CellEdit]:
    return [
        (finding.place.cell, edit)
        for finding in findings
        if finding.fix
        for edit in finding.fix.edits
    ]


def _parses(program: Program, before: Program) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(program.text)
        program.encoded()  # An inserted character may not be in the file's encoding.
    except UNREADABLE:
        return False
    return len(program.problems) <= len(before.problems)


def diff_of(before: Program, after: Program) -> str:
    """Return what changes, as a unified diff; by cells in a notebook."""
    pairs = [
        (f"{before.path}:cell {cell}" if cell else before.path, before.lines(cell), lines)
        for cell, lines in _parts(after)
    ]
    return "".join(_unified(name, old, new) for name, old, new in pairs if old != new)


def _parts(program: Program) -> list[tuple[int | None, list[str]]]:
    cells = [cell.number for cell in getattr(program, "cells", ())] or [None]
    return [(cell, program.lines(cell)) for cell in cells]


def _unified(name: str, old: list[str], new: list[str]) -> str:
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(_ended(old), _ended(new), name, name)
    )


def _ended(lines: list[str]) -> list[str]:
    """Return lines with their ends; the last has none, and is left out where it is empty."""
    last = [lines[-1]] if lines[-1] else []
    return [f"{line}\n" for line in lines[:-1]] + last


def write(program: Program) -> None:
    """Write a program to its file, whole or not at all; links and permissions stay.

    Raises:
        OSError: it cannot be written.
    """
    target = Path(program.path).resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(program.encoded())
        shutil.copymode(target, new)
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
