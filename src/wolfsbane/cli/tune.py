"""`wolfsbane tune`: find the drop rate that suits the data, and measure what it gains."""

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
    no_empty_folders,
    short_name,
)

NEEDED = COMPARE_NEEDS | {"optuna": "optuna", "joblib": "joblib"}
"""Modules that the extra `tune` installs, and the packages they are in."""


def tune(
    data: DataOption = "spam",
    target: TargetOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:NAME",
            help="A function that returns a new torch.nn.Module; --space names its arguments, by "
            "default its drop rates. Or a torch.nn.Module, whose drop rates are tuned.",
            show_default="a network for the data",
        ),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(
            help="What may be chosen, separated by commas: dropout=0..0.9, with a step "
            "dropout=0..0.5:0.1, activation=relu|gelu, batchnorm=false|true.",
            show_default="one rate from 0 to 0.9",
        ),
    ] = None,
    objective: Annotated[
        str, typer.Option(metavar="nll|accuracy", help="What selects, on validation data.")
    ] = "nll",
    epoch: Annotated[
        str,
        typer.Option(
            metavar="last|best", help="The state that counts; best is by the validation data."
        ),
    ] = "last",
    budget: Annotated[
        int | None,
        typer.Option(
            help="Trainings at most, those that prove the gain included.",
            show_default="24; 38 with --complexity",
        ),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(
            help="Half the width of the gain's interval that is narrow enough.",
            show_default="5% of the NLL; one point of accuracy",
        ),
    ] = None,
    complexity: Annotated[
        bool,
        typer.Option("--complexity", help="Also train on less data: would more of it help?"),
    ] = False,
    epochs: EpochsOption = None,
    train_size: TrainSizeOption = None,
    label_noise: LabelNoiseOption = 0.0,
    seed: Annotated[int, typer.Option(help="The first of the seeds.")] = 0,
    jobs: Annotated[
        int | None, typer.Option(help="Trainings at once.", show_default="as many as cores")
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            metavar="local|ray|dask",
            help="Where trainings run. A cluster's address may follow: ray:auto.",
        ),
    ] = "local",
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="An Optuna storage, such as sqlite:///tune.db or postgresql://host/name.",
            show_default="a journal in the folder",
        ),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write scalars into the folder.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where journal, weights, report.html and results.json go. A search that is there "
            "goes on.",
            show_default="runs/tune-DATA-HASH",
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print results.json instead of the table.")
    ] = False,
) -> None:
    """Find the drop rate that suits the data, and measure what it gains.

    Some trainings choose the rate by validation data, where they tell most; others, under seeds
    that had no part in the choice, measure on test data what it gains against no dropout, with a
    95% interval. Called again with the same options, a search goes on where it was.
    """
    check_extra("tune", NEEDED)
    from rich.console import Console  # noqa: PLC0415  # --help stays fast

    from wolfsbane.cli.interrupts import interrupts_heard  # noqa: PLC0415
    from wolfsbane.experiment.data import expand  # noqa: PLC0415  # imports torch
    from wolfsbane.experiment.variants import import_factory  # noqa: PLC0415
    from wolfsbane.report.tuning import terminal, tuner  # noqa: PLC0415
    from wolfsbane.tuning.record import configuration, digest  # noqa: PLC0415

    plan = tuner.make_plan(
        None if model is None else import_factory(model),
        data,
        space=space,
        objective=objective,
        direction=None,
        epoch=epoch,
        budget=budget,
        precision=precision,
        complexity=complexity,
        target=target,
        epochs=epochs,
        train_size=train_size,
        label_noise=label_noise,
        train=None,
        seed=seed,
        jobs=jobs,
        engine=engine,
    )
    name = f"tune-{short_name(expand(data))}-{digest(configuration(plan.setting))[:8]}"
    folder = Path("runs") / name if out is None else out
    with (
        no_empty_folders(folder),
        terminal.progress_line(Console(stderr=True), objective) as show,
        interrupts_heard(show) as on_progress,
    ):
        result = tuner.run(
            plan,
            folder,
            storage,
            tensorboard=tensorboard,
            on_progress=on_progress,
            on_resume=lambda number: typer.echo(_resumed(folder, number), err=True),
        )
    # What is finished is worth keeping: another Ctrl-C does not stop it from being written.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if json:
        sys.stdout.write(result.to_json())
    else:
        terminal.show(Console(), result.view)
    result.save(folder)
    typer.echo(f"Report: {folder / 'report.html'}", err=json)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)


def _resumed(folder: Path, number: int) -> str:
    trainings = "1 training" if number == 1 else f"{number} trainings"
    return f"Goes on in {folder}: {trainings} of this search are there"
