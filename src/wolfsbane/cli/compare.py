"""`wolfsbane compare`: train variants of a network and say what differs."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from wolfsbane.cli.experiment import (
    COMPARE_NEEDS,
    INTERRUPTED,
    DataOption,
    EpochsOption,
    LabelNoiseOption,
    TargetOption,
    TrainSizeOption,
    check_extra,
    new_folder,
    no_empty_folders,
)


def compare(
    data: DataOption = "spam",
    target: TargetOption = None,
    variants: Annotated[
        str,
        typer.Option(
            help="Variants, separated by commas; + joins options in one. Options: dropout=RATE, "
            "batchnorm, activation=NAME (none is a linear network), hidden=WIDTH, layers=NUMBER. "
            "plain, the network without options, comes first unless it is listed.",
        ),
    ] = "plain,dropout,batchnorm,batchnorm+dropout",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FACTORY",
            help="A function that returns a new torch.nn.Module; options of variants are its "
            "keyword arguments.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Trainings of each variant.")] = 5,
    epochs: EpochsOption = None,
    train_size: TrainSizeOption = None,
    label_noise: LabelNoiseOption = 0.0,
    target_accuracy: Annotated[
        float | None,
        typer.Option(
            help="Validation accuracy to count epochs to.",
            show_default="three quarters of the way from always naming the largest class to 1",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where report.html and results.json go.",
            show_default="runs/DATA-DATE",
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print results.json instead of the table.")
    ] = False,
) -> None:
    """Train variants of a network on the same data, and say what differs.

    All variants of a seed share initial weights, batch order and dropout masks, so they are
    compared in pairs. The table shows test accuracy, NLL, calibration error, the gap between
    training and test, and the epochs to a target accuracy, each with a 95% interval over seeds.
    """
    check_extra("compare", COMPARE_NEEDS)
    from rich.console import Console  # noqa: PLC0415  # --help stays fast

    from wolfsbane.cli.interrupts import interrupts_heard  # noqa: PLC0415
    from wolfsbane.experiment.data import expand  # noqa: PLC0415
    from wolfsbane.experiment.variants import import_factory  # noqa: PLC0415
    from wolfsbane.report.comparison import compare as run_comparison  # noqa: PLC0415
    from wolfsbane.report.comparison import terminal  # noqa: PLC0415
    from wolfsbane.report.files import make_folder  # noqa: PLC0415

    folder = new_folder(expand(data)) if out is None else out
    factory = None if model is None else import_factory(model)
    with (
        no_empty_folders(folder),
        terminal.progress_bar(Console(stderr=True)) as show,
        interrupts_heard(show) as on_progress,
    ):
        result = run_comparison(
            variants,
            data,
            model=factory,
            target=target,
            seeds=seeds,
            epochs=epochs,
            train_size=train_size,
            label_noise=label_noise,
            target_accuracy=target_accuracy,
            on_progress=on_progress,
            before_training=lambda: make_folder(folder),
        )
    # What is finished is worth keeping: another Ctrl-C does not stop it from being written.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if json:
        sys.stdout.write(result.to_json())
    else:
        terminal.show(Console(), result.findings, result.verdict)
    result.save(folder)
    typer.echo(f"Report: {folder / 'report.html'}", err=json)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
