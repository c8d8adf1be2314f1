"""What `compare` and `tune` share: their data and model options, and where results go."""

import datetime as dt
import importlib.util
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from wolfsbane.errors import MissingDependencyError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""

COMPARE_NEEDS = {
    "scipy": "scipy",
    "matplotlib": "matplotlib",
    "jinja2": "jinja2",
    "sklearn": "scikit-learn",
    "PIL": "pillow",
}
"""Modules that the extra `compare` installs, and the packages they are in."""

LONGEST_NAME = 60
"""Characters of the data's name in a folder's name."""

DataOption = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE|FOLDER",
        help="spam, digits, FILE.csv, FILE.npz, or a FOLDER with `train/CLASS/*.jpg` and "
        "`test/CLASS/*.jpg`.",
    ),
]

TargetOption = Annotated[
    str | None, typer.Option(help="Column of the CSV file to predict.", show_default="the last")
]

EpochsOption = Annotated[
    int | None,
    typer.Option(help="Passes over the training data.", show_default="60; pictures 20"),
]

TrainSizeOption = Annotated[
    int | None,
    typer.Option(
        help="Examples to train on.",
        show_default="500; of less data half, or 4/5 where test data is apart",
    ),
]

LabelNoiseOption = Annotated[
    float, typer.Option(help="Share of the training examples that get a wrong label.")
]


def check_extra(verb: str, needed: dict[str, str]) -> None:
    """Raise MissingDependencyError, naming the extra `verb`, where a module is not installed."""
    missing = [name for module, name in needed.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise MissingDependencyError(
            f"wolfsbane {verb} needs {', '.join(missing)}: pip install 'wolfsbane[{verb}]'"
        )


@contextmanager
def no_empty_folders(folder: Path) -> Iterator[None]:
    """Where what is done inside fails, remove the folders that it made and left empty."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except BaseException:
        for path in new:
            with suppress(OSError):
                path.rmdir()
        raise


def short_name(data: Path) -> str:
    """Return the data's name as a part of a folder's name."""
    return re.sub(r"[^\w-]+", "-", data.name.split(".")[0]).strip("-")[:LONGEST_NAME] or "data"


def new_folder(data: Path) -> Path:
    """Return runs/DATA-DATE, with a number behind it where that is taken."""
    base = Path("runs") / f"{short_name(data)}-{dt.datetime.now().astimezone().date()}"
    numbered = (base.with_name(f"{base.name}-{number}") for number in itertools.count(2))
    return next(folder for folder in itertools.chain([base], numbered) if not folder.exists())
