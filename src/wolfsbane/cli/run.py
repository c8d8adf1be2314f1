"""`wolfsbane run`: train as ever, and be told what is wrong with it."""

import enum
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from wolfsbane.audit.findings import Findings

FOUND = 1
"""Exit code with `--strict` when there are findings."""


class Format(enum.StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


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

    Arguments, output, exit code and tracebacks are the script's. Every model that trains is watched;
    weights after the run are the same, to the last bit, as without.
    """
    from wolfsbane.audit import registry  # noqa: PLC0415  # --help stays fast
    from wolfsbane.audit.run.program import module, script  # noqa: PLC0415  # imports torch
    from wolfsbane.audit.run.sampling import sampling_of  # noqa: PLC0415

    name, *arguments = program
    target = module(name) if is_module else script(name)
    rules = registry.select(_codes(select), _codes(ignore))
    sampling = sampling_of(every)
    process = os.getpid()
    with _accelerated(accelerate):
        code, findings = _watched(target, arguments, rules, sampling)
    if os.getpid() == process:  # A child that a script forked has nothing to say.
        _report(findings, output_format, output_file)
    sys.exit(FOUND if strict and code == 0 and len(findings) else code)
