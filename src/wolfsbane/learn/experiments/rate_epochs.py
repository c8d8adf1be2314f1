"""Early leaders: the rates' order after a few epochs and at the end."""

from collections.abc import Iterator, Mapping

from wolfsbane.experiment.data import load
from wolfsbane.experiment.networks import NetworkOptions
from wolfsbane.learn.blocks import Block, Chart, Outcome, Progress, Series, Table
from wolfsbane.learn.experiments.figures import percent
from wolfsbane.learn.experiments.rate import RATES
from wolfsbane.learn.experiments.tables import number, row
from wolfsbane.learn.experiments.trainings import (
    READING,
    Recipe,
    build,
    is_view,
    measure,
    prepare,
    train,
)

EARLY = 10
"""The order is first looked at after this share, one tenth, of the epochs."""

Curves = Mapping[float, list[tuple[float, float]]]
"""Validation NLL and accuracy after each epoch, by rate."""


def leaders(
    data: str, train_size: int, label_noise: float, width: int, epochs: int, seed: int
) -> Iterator[Block]:
    """Train once with each of several rates, and watch the validation loss of all."""
    yield READING
    _, drawn = prepare(load(data), train_size, label_noise, seed)
    models = {p: build(NetworkOptions(dropout=p, hidden=width), drawn, seed) for p in RATES}
    curves: dict[float, list[tuple[float, float]]] = {}
    for done, (p, model) in enumerate(models.items()):
        curves[p] = []
        for epoch in train(model, drawn, Recipe(epochs), seed):
            scores = measure(model, drawn.validation)
            curves[p].append((scores.nll, scores.accuracy))
            words = f"p = {p:g}: epoch {epoch} of {epochs}"
            yield Progress(done * epochs + epoch, len(RATES) * epochs, words)
            if is_view(epoch, epochs):
                yield _chart(curves)
    early = -(epochs // -EARLY)
    yield _table(curves, early)
    yield _who_leads(curves, early)


def _chart(curves: Curves) -> Chart:
    p, last = list(curves.items())[-1]
    return Chart(
        "Validation negative log-likelihood",
        f"With p = {p:g} it is {number(last[-1][0], 3)} after epoch {len(last)}. Lower is better.",
        "epoch",
        "nats per example",
        tuple(
            Series(
                f"p = {p:g}",
                tuple(float(epoch) for epoch in range(1, len(curve) + 1)),
                tuple(round(nll, 4) for nll, _ in curve),
            )
            for p, curve in curves.items()
        ),
        key="curves",
    )


def _table(curves: Curves, early: int) -> Table:
    last = len(curves[0.0])
    return Table(
        "Validation negative log-likelihood and accuracy",
        ("", f"NLL after epoch {early}", f"NLL after epoch {last}", "accuracy then", "at the end"),
        tuple(
            row(
                f"p = {p:g}",
                (
                    number(curve[early - 1][0], 3),
                    number(curve[-1][0], 3),
                    percent(curve[early - 1][1]),
                    percent(curve[-1][1]),
                ),
            )
            for p, curve in curves.items()
        ),
        key="table",
    )


def _who_leads(curves: Curves, early: int) -> Outcome:
    first = min(curves, key=lambda p: curves[p][early - 1][0])
    last = min(curves, key=lambda p: curves[p][-1][0])
    choice = 0 if last == first else 1 if last > first else 2
    return Outcome(
        choice,
        f"After epoch {early} p = {first:g} has the lowest validation loss, after epoch "
        f"{len(curves[0.0])} p = {last:g}.",
    )
