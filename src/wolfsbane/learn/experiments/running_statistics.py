"""Running statistics: how batch norm's buffers approach the statistics of the data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from wolfsbane.learn.blocks import Block, Chart, Drawn, Outcome, Progress, Series, Table
from wolfsbane.learn.experiments.figures import figure, percent
from wolfsbane.learn.experiments.reproducible import reproducible
from wolfsbane.learn.experiments.tables import number, row
from wolfsbane.learn.experiments.trainings import is_view

MEAN, DEVIATION = 5.0, 2.0
"""Of the one channel that is normalised. Its buffers begin with mean 0 and variance 1."""

HALF, NEARLY = 0.5, 0.9
"""Shares of the way to the data's mean, between which the prediction's choices part."""

NUM_SHOWN = 4
"""Steps in the table."""


@dataclass(frozen=True)
class Step:
    """One call in training mode.

    Attributes:
        mean, variance, unbiased: of the batch; the variance over N and over N - 1.
        running_mean, running_var: the buffers after it.
    """

    mean: float
    variance: float
    unbiased: float
    running_mean: float
    running_var: float


def approach(momentum: float, steps: int, batch_size: int, seed: int) -> Iterator[Block]:
    """Show a batch norm one batch after another, and read its buffers after each."""
    layer = nn.BatchNorm1d(1, momentum=momentum)
    taken: list[Step] = []
    for index in range(1, steps + 1):
        with reproducible(seed * 1000 + index):
            taken.append(_take(layer, MEAN + DEVIATION * torch.randn(batch_size, 1)))
        yield Progress(index, steps, f"step {index} of {steps}")
        if is_view(index, steps):
            yield _mean_chart(taken)
            yield _variance_chart(taken)
    yield _table(taken, momentum)
    yield _share_of_the_way(taken)


def _take(layer: nn.BatchNorm1d, batch: torch.Tensor) -> Step:
    with torch.no_grad():
        layer(batch)
    assert layer.running_mean is not None
    assert layer.running_var is not None
    wide = batch.double()
    return Step(
        wide.mean().item(),
        wide.var(correction=0).item(),
        wide.var().item(),
        layer.running_mean.item(),
        layer.running_var.item(),
    )


def _mean_chart(taken: Sequence[Step]) -> Chart:
    return Chart(
        "Running mean",
        f"After step {len(taken)} it is {number(taken[-1].running_mean)}; the data's mean is "
        f"{MEAN:g}.",
        "step",
        "mean",
        (
            _series("running mean", [0.0, *(step.running_mean for step in taken)], 0),
            _series("mean of the batch", [step.mean for step in taken], 1, Drawn.POINTS),
            _series("mean of the data", [MEAN] * (len(taken) + 1), 0),
        ),
        key="mean",
    )


def _variance_chart(taken: Sequence[Step]) -> Chart:
    return Chart(
        "Running variance",
        f"After step {len(taken)} it is {number(taken[-1].running_var)}; the data's variance is "
        f"{DEVIATION**2:g}.",
        "step",
        "variance",
        (
            _series("running variance", [1.0, *(step.running_var for step in taken)], 0),
            _series(
                "variance of the batch, over N - 1",
                [step.unbiased for step in taken],
                1,
                Drawn.POINTS,
            ),
            _series("variance of the data", [DEVIATION**2] * (len(taken) + 1), 0),
        ),
        key="variance",
    )


def _series(name: str, values: Sequence[float], first: int, drawn: Drawn = Drawn.LINE) -> Series:
    steps = tuple(float(step) for step in range(first, first + len(values)))
    return Series(name, steps, tuple(round(value, 4) for value in values), drawn)


def _table(taken: Sequence[Step], momentum: float) -> Table:
    """Show the buffers beside what the definition gives, computed from the batches alone."""
    rows = []
    mean, variance = 0.0, 1.0
    for index, step in enumerate(taken[:NUM_SHOWN], start=1):
        mean = (1 - momentum) * mean + momentum * step.mean
        variance = (1 - momentum) * variance + momentum * step.unbiased
        means = (step.mean, step.running_mean, mean)
        variances = (step.variance, step.unbiased, step.running_var, variance)
        rows.append(row(f"step {index}", (number(value, 3) for value in (*means, *variances))))
    return Table(
        f"The first steps at momentum {momentum:g}: the buffers, and what the definition gives",
        (
            "",
            "batch mean",
            "running mean",
            "as defined",
            "batch variance over N",
            "over N - 1",
            "running variance",
            "as defined, from N - 1",
        ),
        tuple(rows),
        key="steps",
    )


def _share_of_the_way(taken: Sequence[Step]) -> Outcome:
    share = taken[-1].running_mean / MEAN
    return Outcome(
        (share >= HALF) + (share >= NEARLY),
        f"After {len(taken)} steps the running mean is {figure(taken[-1].running_mean)}, which "
        f"is {percent(share)} of the way from 0 to the data's mean, {MEAN:g}.",
    )
