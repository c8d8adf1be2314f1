"""The numbers a comparison reports of a run, and which way each is better."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Epoch(StrEnum):
    """Which state of a network is reported: early stopping does part of dropout's work."""

    LAST = "last"
    BEST = "best validation"


class Trained(Protocol):
    """What a training left."""

    @property
    def curves(self) -> Mapping[str, tuple[float, ...]]:
        """Metrics by name, such as "test_nll", one value an epoch."""


@dataclass(frozen=True)
class Measure:
    """One number of a training.

    Attributes:
        name: as in the records.
        label: as people read it.
        higher_is_better: the direction of a gain.
        of: the number, from a training and the index of an epoch; None where there is none.
        is_share: a share between 0 and 1, shown in percent.
        resolution: the step in which it can change, from (training, test) sizes.
    """

    name: str
    label: str
    higher_is_better: bool
    of: Callable[[Trained, int], float | None]
    is_share: bool = False
    resolution: Callable[[int, int], float] = lambda _train, _test: 0.0


def metric(name: str) -> Callable[[Trained, int], float | None]:
    """Return how to read one metric of a training at an epoch."""

    def read(trained: Trained, epoch: int) -> float | None:
        values = trained.curves.get(name)
        return None if values is None else values[epoch]

    return read


def _gap(trained: Trained, epoch: int) -> float | None:
    train = metric("train_accuracy")(trained, epoch)
    test = metric("test_accuracy")(trained, epoch)
    return None if train is None or test is None else train - test


ACCURACY = Measure(
    "accuracy",
    "test accuracy",
    higher_is_better=True,
    of=metric("test_accuracy"),
    is_share=True,
    resolution=lambda _train, test: 1 / test,
)
NLL = Measure("nll", "test NLL", higher_is_better=False, of=metric("test_nll"))
CALIBRATION = Measure(
    "ece",
    "calibration error",
    higher_is_better=False,
    of=metric("test_ece"),
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

    def reached(trained: Trained, _: int) -> float | None:
        accuracies = trained.curves["validation_accuracy"]
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
