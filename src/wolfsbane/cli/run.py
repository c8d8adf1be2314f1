"""`wolfsbane run`: train as ever, and be told what is wrong with it."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wolfsbane.audit.output import Format, Report, render_report
from wolfsbane.errors import ArgumentError

if TYPE_CHECKING:
    from wolfsbane.audit.finding import Finding, Place
    from wolfsbane.audit.findings import Findings
    from wolfsbane.audit.rule import Rule
    from wolfsbane.audit.run.program import Program
    from wolfsbane.audit.run.sampling import Sampling

FOUND = 1
"""Exit code with `--strict` when there are findings."""

CONTEXT = {"allow_interspersed_args": False}
"""The first word that is no option is the script, and what follows is not for us."""


def run(
    program: Annotated[
        list[str],
        typer.Argument(
            metavar="SCRIPT [ARGS]...", help="The script; all that follows it is its own."
        ),
    ],
    is_module: Annotated[
        bool, typer.Option("-m", help="SCRIPT is a module, as in `python -m package.train`.")
    ] = False,
    accelerate: Annotated[
        bool, typer.Option(help="Run with wolfsbane's kernels: see `wolfsbane.accelerate`.")
    ] = False,
    every: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Look closely at every N-th training step.",
            show_default="the first three, then ever fewer, down to one in 64",
        ),
    ] = None,
    select: Annotated[
        str, typer.Option(metavar="CODES", help="Rules to use, such as WB1,WB202; ALL for all.")
    ] = "",
    ignore: Annotated[str, typer.Option(metavar="CODES", help="Rules not to use.")] = "",
    output_format: Annotated[Format, typer.Option(help="How findings are printed.")] = Format.TEXT,
    output_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where findings go.", show_default="standard error, at the end"
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 when there are findings.")
    ] = False,
) -> None:
    """Run a script, unchanged, and say at its end what is wrong with the training in it.

    Arguments, output, exit code and tracebacks are the script's. Every model that trains is
    watched; weights after the run are the same, to the last bit, as without.
    """
    from wolfsbane.audit import registry  # noqa: PLC0415  # --help stays fast
    from wolfsbane.audit.run.program import module, script  # noqa: PLC0415  # imports torch
    from wolfsbane.audit.run.sampling import sampling_of  # noqa: PLC0415  # imports torch

    output_file = None if output_file is None else _checked(output_file)
    sampling = sampling_of(every)
    name, *arguments = program
    target = module(name) if is_module else script(name)
    rules = registry.select(_codes(select), _codes(ignore))
    process, folder = os.getpid(), Path.cwd()
    with _accelerated(accelerate):
        code, findings = _watched(target, arguments, rules, sampling)
    if os.getpid() == process:  # A child that a script forked has nothing to say.
        with _within(folder):
            text = _told(findings, output_format, rules)
        _put(text, output_file)
    sys.exit(FOUND if strict and code == 0 and len(findings) else code)


def _checked(file: Path) -> Path:
    """Return where a file is, wherever the script goes; refuse one that could not be written."""
    if not file.parent.is_dir():
        raise ArgumentError(
            f"--output-file {file}: there is no folder {file.parent}. Make it first"
        )
    return file.absolute()


def _codes(text: str) -> list[str]:
    return [code for code in text.replace(",", " ").split() if code]


def _accelerated(wanted: bool) -> AbstractContextManager[Any]:
    if not wanted:
        return nullcontext()
    from wolfsbane.acceleration import accelerate  # noqa: PLC0415  # loads kernels

    return accelerate()


def _watched(
    target: "Program", arguments: Sequence[str], rules: "Sequence[type[Rule]]", sampling: "Sampling"
) -> "tuple[int, Findings]":
    from wolfsbane.audit.run.program import NoSuchModuleError, exit_code_of  # noqa: PLC0415
    from wolfsbane.audit.run.script import watch_everything  # noqa: PLC0415

    code = 0
    try:
        with watch_everything(rules, sampling) as findings:
            target.run(arguments)
    except NoSuchModuleError:
        raise
    except BaseException as error:  # noqa: BLE001  # whatever it is, Python would have reported it
        code = exit_code_of(error, target)
    return code, findings


@contextmanager
def _within(folder: Path) -> Iterator[None]:
    """Be in a folder: the one where the command was given, wherever the script went."""
    try:
        before = os.getcwd()  # noqa: PTH109  # a folder that is gone has no Path.cwd either
        os.chdir(folder)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.chdir(before)


def _told(findings: "Findings", output_format: Format, rules: "Sequence[type[Rule]]") -> str:
    """Return the findings as they are told. Where something could not be seen, nothing passed."""
    from wolfsbane.audit.checking.fingerprint import repository_root  # noqa: PLC0415

    here = Path.cwd()
    report = Report(
        findings=[_seen_from(here, finding) for finding in findings],
        rules=rules,
        root=repository_root(here),
        notes=findings.notes,
        script=getattr(sys.modules.get("__main__"), "__file__", None),
    )
    return render_report(report, output_format, summary=bool(len(findings) or not findings.notes))


def _seen_from(folder: Path, finding: "Finding") -> "Finding":
    """Return a finding with paths that count from a folder, where they are in it, as `check`'s."""
    related = tuple((_relative(folder, place), what) for place, what in finding.related)
    return replace(finding, place=_relative(folder, finding.place), related=related)


def _relative(folder: Path, place: "Place") -> "Place":
    if place.file is None or not Path(place.file).is_relative_to(folder):
        return place
    return replace(place, file=str(Path(place.file).relative_to(folder)))


def _put(text: str, file: Path | None) -> None:
    """Write the findings to their file, or to standard error: standard output is the script's."""
    if file is not None:
        file.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
        return
    with suppress(OSError, ValueError, AttributeError):  # The script may have closed them.
        sys.stdout.flush()
        print(text.rstrip("\n"), file=sys.stderr)  # noqa: T201
