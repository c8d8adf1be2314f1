"""`wolfsbane check`: programs read for mistakes, without torch."""

import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from wolfsbane.cli.printing import has_colors, put, put_bytes, put_error, put_into
from wolfsbane.errors import ArgumentError

if TYPE_CHECKING:
    from wolfsbane.audit.checking.config import Config
    from wolfsbane.audit.checking.programs import Outcome, Task
    from wolfsbane.audit.output.excerpts import Excerpts

FOUND = 1
"""Exit code where something was found."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""
ABNORMAL = 2
"""Exit code where a rule failed."""
STDIN = "-"

Codes = list[str] | None


@dataclass(frozen=True)
class Format:
    """How findings are told."""

    name: str
    statistics: bool
    quiet: bool


def check(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Files, notebooks and folders; `-` is standard input.",
            show_default="the current folder",
        ),
    ] = None,
    select: Annotated[
        Codes,
        typer.Option(
            metavar="CODES",
            help="Rules that are on: codes such as `WB101`, or beginnings of them such as `WB1`, "
            "separated by commas. `ALL` is every rule.",
            show_default="all but WB9",
        ),
    ] = None,
    ignore: Annotated[
        Codes, typer.Option(metavar="CODES", help="Rules that are off. The longer code wins.")
    ] = None,
    extend_select: Annotated[
        Codes, typer.Option(metavar="CODES", help="Rules that are on as well, such as `WB9`.")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended safely.")] = False,
    unsafe_fixes: Annotated[
        bool,
        typer.Option(
            "--unsafe-fixes", help="With `--fix` or `--diff`: fixes that need a look too."
        ),
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print what `--fix` would change, and change nothing.")
    ] = False,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Exit with 0 although something was found.")
    ] = False,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="Count by rule instead of listing.")
    ] = False,
    output_format: Annotated[
        Literal["text", "json", "sarif", "github"], typer.Option(help="How findings are told.")
    ] = "text",
    output_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write findings to a file.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Hide the findings that a file records.")
    ] = None,
    write_baseline: Annotated[
        bool, typer.Option("--write-baseline", help="Record all findings in the baseline.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Settings.", show_default="[tool.wolfsbane] of pyproject.toml"
        ),
    ] = None,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Read no settings from any file.")
    ] = False,
    exclude: Annotated[
        Codes,
        typer.Option(
            metavar="PATTERNS",
            help="Files and folders that are left out, in place of the usual ones.",
        ),
    ] = None,
    force_exclude: Annotated[
        bool, typer.Option("--force-exclude", help="Leave out files too that are named here.")
    ] = False,
    stdin_filename: Annotated[
        str, typer.Option(metavar="NAME", help="What standard input is called.")
    ] = "stdin.py",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print findings, and nothing else.")
    ] = False,
) -> None:
    """Find mistakes with dropout, batch norm, modes and losses in programs and notebooks.

    Nothing is run or imported, torch neither. `wolfsbane explain WB101` tells more about a
    finding; `# noqa: WB101` hides it. Exit codes: 0 nothing found, 1 something found, 2 a mistake
    in how this was called. More: docs/check.md.
    """
    from wolfsbane.audit.checking.baseline import read_baseline  # noqa: PLC0415  # --help stays fast
    from wolfsbane.audit.checking.programs import Task  # noqa: PLC0415

    # Also where whoever started this process had it ignore Ctrl-C, as shells do for `&`.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    given = paths or ["."]
    settings = _settings(given, config, isolated, stdin_filename).with_options(
        select=_split(select),
        ignore=_split(ignore),
        extend_select=_split(extend_select),
        exclude=_split(exclude),
        baseline=baseline,
    )
    if write_baseline and settings.baseline is None:
        raise ArgumentError("--write-baseline needs to know where: --baseline FILE")
    wants_known = settings.baseline is not None and not write_baseline
    task = Task(
        rules=settings.rules(),
        ignores=settings.ignores(),
        baseline=read_baseline(settings.baseline) if settings.baseline and wants_known else None,
        fix=fix or diff,
        unsafe=unsafe_fixes,
        write=not diff and STDIN not in given,
    )
    try:
        outcome = _run(given, settings, task, stdin_filename, force_exclude)
    except KeyboardInterrupt:
        left = (
            "what was mended until now stays mended"
            if task.fix and task.write
            else "nothing was changed"
        )
        put_error(f"wolfsbane: interrupted; {left}")
        raise typer.Exit(INTERRUPTED) from None
    _warn(outcome, task, quiet)
    if write_baseline and settings.baseline:
        _record(outcome, settings.baseline)
        raise typer.Exit(ABNORMAL if outcome.failures else 0)
    if diff:
        put("".join(outcome.diffs))
    else:
        text = _findings(outcome, task, Format(output_format, statistics, quiet), output_file)
        _put_findings(text, output_file, outcome if STDIN in given and fix else None)
    raise typer.Exit(_exit_code(outcome, exit_zero, diff))


def _settings(paths: list[str], file: Path | None, isolated: bool, stdin_name: str) -> "Config":
    """Return what a file has settled."""
    from wolfsbane.audit.checking.config import Config, find_config, read_config  # noqa: PLC0415

    if file is not None and isolated:
        raise ArgumentError("--config names a file, and --isolated reads none: give one of them")
    if isolated:
        return Config()
    if file is not None:
        return read_config(file)
    return find_config([Path(stdin_name if path == STDIN else path) for path in paths])


def _run(
    paths: list[str], settings: "Config", task: "Task", stdin_name: str, force_exclude: bool
) -> "Outcome":
    """Check what was given."""
    from wolfsbane.audit.checking.programs import Outcome, check_files, check_text  # noqa: PLC0415
    from wolfsbane.audit.source.reading.files import python_files  # noqa: PLC0415

    excluded = settings.excluded()
    if STDIN not in paths:
        files = python_files(
            paths,
            excluded,
            root=settings.root,
            respect_gitignore=settings.respect_gitignore,
            force_exclude=force_exclude,
        )
        return check_files(files, task)
    if len(paths) > 1:
        raise ArgumentError("`-`, standard input, cannot be checked together with files")
    content = sys.stdin.buffer.read()
    name = Path(stdin_name).absolute()
    if force_exclude and excluded.fits_within(str(name), str(settings.root)):
        return Outcome()
    return check_text(content, stdin_name, task)


def _record(outcome: "Outcome", file: Path) -> None:
    """Write a baseline, and say what cannot be in it."""
    from wolfsbane.audit.checking.baseline import baseline_of, write_baseline  # noqa: PLC0415
    from wolfsbane.audit.source.reading.programs import PROBLEM_CODE  # noqa: PLC0415

    baseline = baseline_of(file, outcome.findings, _excerpts(outcome).line)
    write_baseline(baseline)
    for one in outcome.findings:
        if one.code == PROBLEM_CODE:
            put_error(f"warning: not in the baseline: {one}")
    number = len(baseline.entries)
    put(f"{number} finding{'' if number == 1 else 's'} written to {file}\n")


def _excerpts(outcome: "Outcome") -> "Excerpts":
    from wolfsbane.audit.output.excerpts import Excerpts  # noqa: PLC0415

    return Excerpts(outcome.programs)


def _warn(outcome: "Outcome", task: "Task", quiet: bool) -> None:
    """Say what is no finding."""
    from wolfsbane.audit.source.reading.programs import PROBLEM_CODE  # noqa: PLC0415

    for failure in outcome.failures:
        put_error(f"wolfsbane: {failure}")
    if quiet:
        return
    for warning in outcome.warnings:
        put_error(f"warning: {warning}")
    if not outcome.files:
        put_error("warning: no Python files or notebooks found")
    if task.baseline:
        unread = {one.place.file for one in outcome.findings if one.code == PROBLEM_CODE}
        files = [file for file in outcome.files if file not in unread]
        stale = task.baseline.stale(outcome.seen, files, {rule.code for rule in task.rules})
        for entry in stale:
            put_error(f"warning: {entry.path}: {entry.code} is in the baseline, and found no more")
        if stale:
            put_error(f"warning: --write-baseline would take {len(stale)} out of the baseline")


def _findings(outcome: "Outcome", task: "Task", format: Format, file: Path | None) -> str:
    """Return the findings as they are told."""
    from wolfsbane.audit.checking.fingerprint import repository_root  # noqa: PLC0415
    from wolfsbane.audit.output import Report, render_report  # noqa: PLC0415
    from wolfsbane.audit.registry import all_rules  # noqa: PLC0415

    report = Report(
        findings=outcome.findings,
        rules=all_rules(),
        root=repository_root(Path.cwd()),
        excerpts=_excerpts(outcome),
        known=outcome.known if task.baseline else None,
        num_fixed=outcome.num_fixed,
        unsafe=task.unsafe,
    )
    return render_report(
        report,
        format.name,
        statistics=format.statistics,
        color=file is None and has_colors(),
        summary=not format.quiet,
    )


def _put_findings(text: str, file: Path | None, mended: "Outcome | None") -> None:
    """Write findings to their file; else to standard error where a mended program goes out."""
    if mended is not None:
        put_bytes(mended.content)
    if file is not None:
        put_into(file, text)
    elif mended is not None:
        sys.stderr.write(text)
    else:
        put(text)


def _exit_code(outcome: "Outcome", exit_zero: bool, diff: bool) -> int:
    if outcome.failures:
        return ABNORMAL
    found = bool(outcome.diffs) if diff else bool(outcome.findings)
    return FOUND if found and not exit_zero else 0


def _split(codes: Codes) -> list[str] | None:
    """Return the parts of options that may be joined by commas."""
    if codes is None:
        return None
    return [part.strip() for text in codes for part in text.split(",") if part.strip()]
