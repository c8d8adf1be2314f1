"""Every training as a run in TensorBoard, written as soon as it has ended."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wolfsbane.errors import MissingDependencyError
from wolfsbane.report.files import make_folder
from wolfsbane.tuning.trial import Outcome, Request, Trial

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

LONGEST_NAME = 80
"""Characters of a configuration in a folder's name."""


class Scalars:
    """Writes a folder a training: its curves, and its configuration for the tab HPARAMS.

    `tensorboard --logdir DIRECTORY` shows trainings as they end. A training that is added again
    takes the place of what was there of it.

    Args:
        directory: made where it is missing.

    Raises:
        MissingDependencyError: tensorboard is not installed.
        ArgumentError: the directory cannot be written to.
    """

    def __init__(self, directory: str | Path) -> None:
        _writer()
        self._directory = make_folder(directory)

    def add(self, trial: Trial) -> None:
        """Write a training; of one that has not ended there is nothing to write."""
        if trial.outcome is None:
            return
        folder = self._directory / run_name(trial.request)
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
        with _writer()(log_dir=str(folder)) as writer:
            for name, curve in trial.outcome.curves.items():
                for epoch, value in enumerate(curve, 1):
                    writer.add_scalar(name, value, epoch)
            _add_configuration(writer, trial.request, trial.outcome)

    def close(self) -> None:
        """End the writing: nothing is left open, since each training is written whole."""


def write_scalars(directory: str | Path, trials: Sequence[Trial]) -> Path:
    """Write all trainings that have ended, and return the directory.

    Raises:
        MissingDependencyError: tensorboard is not installed.
        ArgumentError: the directory cannot be written to.
    """
    scalars = Scalars(directory)
    for one in trials:
        scalars.add(one)
    scalars.close()
    return Path(directory).expanduser()


def run_name(request: Request) -> str:
    """Return the folder's name: number, purpose, configuration, seed."""
    configuration = re.sub(r"[^\w.=-]+", "-", str(request.configuration))[:LONGEST_NAME]
    return f"{request.number:04d}-{request.purpose}-{configuration}-seed={request.seed}"


def _writer() -> "type[SummaryWriter]":
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  # not a dependency
    except ImportError as error:
        raise MissingDependencyError(
            "scalars for TensorBoard need tensorboard: pip install tensorboard"
        ) from error
    return SummaryWriter


def _add_configuration(writer: "SummaryWriter", request: Request, outcome: Outcome) -> None:
    """Write the configuration into the same run: `add_hparams` would open another for it."""
    from torch.utils.tensorboard.summary import hparams  # noqa: PLC0415  # not a dependency

    values = {
        name: "none" if value is None else value for name, value in request.configuration.values
    }
    settings = {**values, "seed": request.seed, "purpose": str(request.purpose)}
    for summary in hparams(settings, dict.fromkeys(outcome.curves, 0.0)):
        writer.file_writer.add_summary(summary)  # type: ignore[attr-defined]  # set, typed as None
