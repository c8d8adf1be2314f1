"""The numbers a comparison reports of a run, and which way each is better."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from wolfsbane.experiment.training import Run


class Epoch(StrEnum):
    """Which state of a network is reported: early stopping does part of dropout's work."""

    LAST = "last"
    BEST = "best validation"


@dataclass(frozen=True)
class Measure:
    """One number of a run.

    Attributes:
        name: as in the records.
        label: as people read it.
        higher_is_better: the direction of a gain.
        of: the number, from a run and the index of an epoch; None where there is none.
        is_share: a share between 0 and 1, shown in percent.
        resolution: the step in which it can change, from (training, test) sizes.
    """

    name: str
    label: str
    higher_is_better: bool
    of: Callable[[Run, int], float | None]
    is_share: bool = False
    resolution: Callable[[int, int], float] = lambda _train, _test: 0.0


def _gap(run: Run, epoch: int) -> float:
    measurement = run.curve[epoch]
    return measurement.train.accuracy - measurement.test.accuracy


ACCURACY = Measure(
    "accuracy",
    "test accuracy",
    higher_is_better=True,
    of=lambda run, epoch: run.curve[epoch].test.accuracy,
    is_share=True,
    resolution=lambda _train, test: 1 / test,
)
NLL = Measure(
    "nll", "test NLL", higher_is_better=False, of=lambda run, epoch: run.curve[epoch].test.nll
)
CALIBRATION = Measure(
    "ece",
    "calibration error",
    higher_is_better=False,
    of=lambda run, epoch: run.curve[epoch].calibration_error,
    is_share=True,
)
GAP = Measure(
    "gap",
    "generalisation gap",
    higher_is_better=False,
    of=_gap,
    is_share=True,
    resolution=lambda train, test: 1 / train + 1 / test,
)

SCORES = (ACCURACY, NLL, CALIBRATION, GAP)
"""Reported for the last and for the best epoch."""


def epochs_to(target: float) -> Measure:
    """Return the number of epochs until validation accuracy first reaches `target`."""

    def reached(run: Run, _: int) -> float | None:
        accuracies = (measurement.validation.accuracy for measurement in run.curve)
        hits = (epoch for epoch, accuracy in enumerate(accuracies, 1) if accuracy >= target)
        first = next(hits, None)
        return None if first is None else float(first)

    return Measure(
        "epochs_to_target",
        f"epochs to {target * 100:.3g}% accuracy",
        higher_is_better=False,
        of=reached,
        resolution=lambda _train, _test: 1.0,
    )
