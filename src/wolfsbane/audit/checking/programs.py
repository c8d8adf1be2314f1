"""Many files checked: each is read, looked at, mended where that is wanted; none stops the rest."""

import functools
import gc
import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from wolfsbane.audit.checking.baseline import Baseline
from wolfsbane.audit.checking.fixes import diff_of, mend, write
from wolfsbane.audit.checking.globs import Globs, codes_ignored_for
from wolfsbane.audit.checking.noqa import read_noqa
from wolfsbane.audit.finding import Finding, Place, Span
from wolfsbane.audit.registry import all_rules
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.source.check import check_source
from wolfsbane.audit.source.reading.notebook import notebook
from wolfsbane.audit.source.reading.programs import (
    UNREADABLE,
    Program,
    problem_of,
    python_file,
    read,
)

REPORT = "this is a mistake in wolfsbane; please report it"
FILES_PER_COLLECTION = 500
"""Parsing is three times as fast without the garbage collector, and a program that was checked lets
go of its own parts; what else gathers is collected after so many files."""


@dataclass(frozen=True)
class Task:
    """What is done with each file.

    Args:
        rules: the rules that are on.
        ignores: codes that are off in files that fit patterns.
        baseline: findings that are known.
        fix: make fixes.
        unsafe: make unsafe ones too.
        write: whether mended files are written; else their difference is told.
    """

    rules: tuple[type[Rule], ...]
    ignores: tuple[tuple[Globs, tuple[str, ...]], ...] = ()
    baseline: Baseline | None = None
    fix: bool = False
    unsafe: bool = False
    write: bool = True


@dataclass
class Outcome:
    """What came of it.

    Args:
        files: the files that were looked at.
        findings: what was found and is not known.
        known: what is in the baseline.
        seen: fingerprints of these.
        num_fixed: fixes made.
        diffs: what fixes would change, where nothing is written.
        programs: those that are in no file.
        content: what such a program holds afterwards, read or not.
        warnings: what a user should know that is no finding: comments that hide nothing.
        failures: files that could not be written, or in which a rule failed.
    """

    files: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    known: list[Finding] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    num_fixed: int = 0
    diffs: list[str] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    content: bytes = b""
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def check_files(paths: Iterable[str], task: Task) -> Outcome:
    """Check files; what cannot be read is a finding, and the rest goes on."""
    outcome = Outcome()
    with _few_collections() as collect:
        for path in paths:
            _check_content(functools.partial(read, path), path, task, outcome)
            collect()
    return outcome


def check_text(content: bytes, path: str, task: Task) -> Outcome:
    """Check a program that is in no file, under the name that it would have."""
    outcome = Outcome()
    with _few_collections():
        program = _check_content(lambda: content, path, task, outcome)
    outcome.programs += [program] if program else []
    outcome.content = program.encoded() if program else content
    return outcome


def _check_content(
    content: Callable[[], bytes], path: str, task: Task, outcome: Outcome
) -> Program | None:
    """Check what a file holds, and return it as its findings speak of it."""
    outcome.files.append(path)
    try:
        program = _program(content(), path)
    except UNREADABLE as error:
        outcome.findings.append(problem_of(error, path))
        return None
    if program is None:
        return None
    try:
        return _check_program(program, task, outcome)
    except OSError as error:
        outcome.failures.append(f"{path} cannot be written: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001  # one rule's mistake must not hide the others' findings
        what = f"{type(error).__name__}: {' '.join(str(error).split())}"
        outcome.failures.append(f"{path}: a rule failed with {what}; {REPORT}")
    return program


def _program(content: bytes, path: str) -> Program | None:
    return notebook(content, path) if path.endswith(".ipynb") else python_file(content, path)


def _check_program(program: Program, task: Task, outcome: Outcome) -> Program:
    """Check a program, and return it as its findings speak of it."""
    off = codes_ignored_for(os.path.abspath(program.path), task.ignores)  # noqa: PTH100
    look = Look(tuple(rule for rule in task.rules if rule.code not in off), task.baseline)
    if task.fix:
        mended = mend(program, look, task.unsafe)
        findings, after = mended.findings, mended.program
        outcome.num_fixed += mended.num_fixed
        outcome.failures += [
            f"{one.place}: the fix of {one.code} would leave no Python, and was not made; {REPORT}"
            for one in mended.refused
        ]
        if after is not program:
            _keep(program, after, task, outcome)
    else:
        findings, after = look(program), program
    outcome.findings += findings
    outcome.known += look.known
    outcome.seen |= look.seen
    outcome.warnings += look.warnings
    return after


def _keep(before: Program, after: Program, task: Task, outcome: Outcome) -> None:
    """Write a mended program, or say what would change in it."""
    if task.write:
        write(after)
    else:
        outcome.diffs.append(diff_of(before, after))


class Look:
    """Finds what is in a program and is not known, and keeps what else came up the last time.

    Args:
        rules: the rules that are on.
        baseline: findings that are known.
    """

    def __init__(self, rules: Sequence[type[Rule]], baseline: Baseline | None) -> None:
        self._rules = rules
        self._baseline = baseline
        self.known: list[Finding] = []
        self.seen: set[str] = set()
        self.warnings: list[str] = []

    def __call__(self, program: Program) -> list[Finding]:
        """Return what is found and is not known."""
        findings, self.warnings = found_in(program, self._rules)
        if self._baseline is None:
            return findings
        lines = functools.partial(line_in, program)
        new, self.known, self.seen = self._baseline.split(findings, lines)
        return new


def found_in(program: Program, rules: Sequence[type[Rule]]) -> tuple[list[Finding], list[str]]:
    """Return what rules find in a program and no comment hides, and what is wrong with comments."""
    try:
        findings = check_source(program.text, program.path, rules)
    except (SyntaxError, RecursionError, MemoryError) as error:
        return [*program.problems, problem_of(error, program.path)], []
    except ValueError as error:
        if "\0" not in program.text:
            raise
        return [*program.problems, problem_of(error, program.path)], []
    comments = read_noqa(program.text, frozenset(rule.code for rule in all_rules()))
    open_ones = comments.shown(findings)
    shown = [program.placed(finding) for finding in open_ones]
    told = [
        f"{program.place_of(Span(line, 1, line, 1))}: {text}"
        for line, text in comments.warnings_for(open_ones)
    ]
    return sorted([*program.problems, *shown], key=_position), told


def _position(finding: Finding) -> tuple[int, tuple[int, int], str]:
    span = finding.place.span
    begin = (span.line, span.column) if span else (0, 0)
    return finding.place.cell or 0, begin, finding.code


def line_in(program: Program, place: Place) -> str | None:
    """Return the line of a program that a place begins in."""
    lines = program.lines(place.cell)
    if place.span is None or place.file != program.path or place.span.line > len(lines):
        return None
    return lines[place.span.line - 1]


@contextmanager
def _few_collections() -> Iterator[Callable[[], None]]:
    """Stop the garbage collector, and yield what is called after each file to run it at times."""
    num_files = itertools.count(1)
    was_on = gc.isenabled()

    def collect() -> None:
        if next(num_files) % FILES_PER_COLLECTION == 0:
            gc.collect()

    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Such as of "\\d": other tools' business.
            yield collect
    finally:
        if was_on:
            gc.enable()
