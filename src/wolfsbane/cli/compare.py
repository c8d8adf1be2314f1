"""`wolfsbane compare`: train variants of a network and say what differs."""

import datetime as dt
import importlib.util
import itertools
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from wolfsbane.errors import MissingDependencyError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""

NEEDED = {
    "scipy": "scipy",
    "matplotlib": "matplotlib",
    "jinja2": "jinja2",
    "sklearn": "scikit-learn",
    "PIL": "pillow",
}
"""Modules that the extra `compare` installs, and the packages they are in."""

LONGEST_NAME = 60
"""Characters of the data's name in a folder's name."""


def compare(
    data: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE|FOLDER",
            help="spam, digits, FILE.csv, FILE.npz, or a FOLDER with `train/CLASS/*.jpg` and "
            "`test/CLASS/*.jpg`.",
        ),
    ] = "spam",
    target: Annotated[
        str | None, typer.Option(help="Column of the CSV file to predict.", show_default="the last")
    ] = None,
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
    epochs: Annotated[
        int | None,
        typer.Option(help="Passes over the training data.", show_default="60; pictures 20"),
    ] = None,
    train_size: Annotated[
        int | None,
        typer.Option(
            help="Examples to train on.", show_default="500, or half of a smaller data set"
        ),
    ] = None,
    label_noise: Annotated[
        float, typer.Option(help="Share of the training examples that get a wrong label.")
    ] = 0.0,
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
    _check_extra()
    from rich.console import Console  # noqa: PLC0415  # --help stays fast

    from wolfsbane import report  # noqa: PLC0415  # imports torch
    from wolfsbane.cli.interrupts import interrupts_heard  # noqa: PLC0415
    from wolfsbane.experiment.data import expand  # noqa: PLC0415
    from wolfsbane.experiment.variants import import_factory  # noqa: PLC0415
    from wolfsbane.report.comparison import terminal  # noqa: PLC0415
    from wolfsbane.report.files import make_folder  # noqa: PLC0415

    folder = _default_folder(expand(data)) if out is None else out
    factory = None if model is None else import_factory(model)
    with (
        _no_empty_folders(folder),
        terminal.progress_bar(Console(stderr=True)) as show,
        interrupts_heard(show) as on_progress,
    ):
        result = report.compare(
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


@contextmanager
def _no_empty_folders(folder: Path) -> Iterator[None]:
    """Where what is done inside fails, remove the folders that it made and left empty."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except BaseException:
        for path in new:
            with suppress(OSError):
                path.rmdir()
        raise


def _check_extra() -> None:
    missing = [name for module, name in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise MissingDependencyError(
            f"wolfsbane compare needs {', '.join(missing)}: pip install 'wolfsbane[compare]'"
        )


def _default_folder(data: Path) -> Path:
    """Return runs/DATA-DATE, with a number behind it where that is taken."""
    name = re.sub(r"[^\w-]+", "-", data.name.split(".")[0]).strip("-")[:LONGEST_NAME] or "data"
    base = Path("runs") / f"{name}-{dt.datetime.now().astimezone().date()}"
    numbered = (base.with_name(f"{base.name}-{number}") for number in itertools.count(2))
    return next(folder for folder in itertools.chain([base], numbered) if not folder.exists())
