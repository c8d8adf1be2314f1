"""`wolfsbane bench`: our operations against torch's, timed on this machine."""

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wolfsbane.cli.experiment import INTERRUPTED
from wolfsbane.errors import ArgumentError

if TYPE_CHECKING:
    from wolfsbane.bench.run import Result

RED = 1
"""Exit code where a result of ours was wrong."""


def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="A short list in few rounds, without torch.compile.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Cases with NAME in their name, such as `gelu`. May be given several times.",
            show_default="all",
        ),
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(help="How often each side is timed.", show_default="30; with --quick 7"),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(help="Threads for torch and wolfsbane.", show_default="torch's choice"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JSON to a file too.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write JSON to a file named cpu-DATE.json in a folder."),
    ] = None,
    gpu: Annotated[
        bool,
        typer.Option(
            "--gpu",
            help="Time the GPU's kernels instead. Without a GPU, TRITON_INTERPRET=1 checks them.",
        ),
    ] = False,
    list_names: Annotated[
        bool, typer.Option("--list", help="Print the names of the cases and stop.")
    ] = False,
) -> None:
    """Time dropout, batch norm and fused layers against torch's, on this machine.

    Before a case is timed its result is compared with a float64 truth; where that fails there is
    no figure, and the exit code is 1. All sides of a case are timed in turns, round by round, and
    ratios are told with their quartiles: see docs/bench.md. Everything takes about ten minutes.
    """
    if threads is not None and threads < 1:
        raise ArgumentError(f"threads has to be 1 or more, but got {threads}")
    import torch  # noqa: PLC0415  # --help stays fast
    from rich.console import Console  # noqa: PLC0415

    from wolfsbane.bench import run, table  # noqa: PLC0415
    from wolfsbane.bench.case import Place  # noqa: PLC0415
    from wolfsbane.bench.gpu_cases import gpu_cases  # noqa: PLC0415
    from wolfsbane.bench.record import check_writable, record_path  # noqa: PLC0415

    settings = run.settings_for(quick, rounds, run.gpu_place() if gpu else Place.CPU)
    cases = run.select(only or (), quick, gpu_cases(settings.place) if gpu else None)
    if list_names:
        typer.echo("\n".join(case.name for case in cases))
        return
    if record and settings.place is Place.INTERPRETER:
        raise ArgumentError(
            "--record keeps figures, and Triton's interpreter has none: leave it out, or run this "
            "where there is a GPU, without TRITON_INTERPRET"
        )
    name = torch.cuda.get_device_name() if settings.place is Place.GPU else None
    paths = [path for path in (out, record and record_path(record, name)) if path]
    for path in paths:
        check_writable(path)
    if threads is not None:
        torch.set_num_threads(threads)
    # Also where whoever started this process had it ignore Ctrl-C, as shells do for `&`.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with table.progress_bar(Console(stderr=True)) as on_case:
        result = run.run(cases, settings, on_case)
    _tell(result, json, paths)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
    if result.is_red:
        raise typer.Exit(RED)


def _tell(result: "Result", json: bool, paths: list[Path]) -> None:
    """Print the result and write it down."""
    from rich.console import Console  # noqa: PLC0415

    from wolfsbane.bench import table  # noqa: PLC0415
    from wolfsbane.bench.record import to_json  # noqa: PLC0415

    # What is finished is worth keeping: another Ctrl-C does not stop it from being written.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    text = to_json(result)
    if json:
        sys.stdout.write(text)
    else:
        table.show(Console(), result)
    for path in paths:
        path.write_text(text, encoding="utf-8")
        typer.echo(f"Record: {path}", err=json)
