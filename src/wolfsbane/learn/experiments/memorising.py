"""Why networks memorise: a training on labels some of which are wrong, epoch by epoch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from wolfsbane.experiment.data import Data, load
from wolfsbane.experiment.networks import NetworkOptions
from wolfsbane.learn.blocks import (
    Block,
    Cell,
    Chart,
    Drawn,
    Mark,
    Outcome,
    Progress,
    Series,
    Table,
)
from wolfsbane.learn.experiments.figures import percent
from wolfsbane.learn.experiments.tables import row
from wolfsbane.learn.experiments.trainings import (
    READING,
    Recipe,
    build,
    is_view,
    logits,
    measure,
    prepare,
    train,
)

MARGIN = 0.03
"""Accuracies nearer than this to the share of right labels count as equal to it."""

NUM_SHOWN = 6
"""Wrongly labelled examples in the table."""


@dataclass
class Curves:
    """What is measured after each epoch of a training on wrong labels.

    Attributes:
        clean, noisy: the data with its right labels, and as the network is given it.
        train: accuracy on the labels as given.
        test: accuracy on test examples.
        right: share of the right training labels that the network gives back.
        wrong: share of the wrong ones; empty where there are none.
        answers: the class the network says of each training example, one tensor an epoch.
    """

    clean: Data
    noisy: Data
    train: list[float] = field(default_factory=list)
    test: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)
    answers: list[Tensor] = field(default_factory=list)

    @property
    def is_wrong(self) -> Tensor:
        """Which training labels are wrong."""
        return self.noisy.train.y != self.clean.train.y

    def add(self, model: torch.nn.Module) -> None:
        """Measure a model."""
        answers = logits(model, self.noisy.train).argmax(1)
        is_given = answers == self.noisy.train.y
        self.answers.append(answers)
        self.train.append(is_given.double().mean().item())
        self.test.append(measure(model, self.noisy.test).accuracy)
        self.right.append(is_given[~self.is_wrong].double().mean().item())
        if self.is_wrong.any():
            self.wrong.append(is_given[self.is_wrong].double().mean().item())


def noisy_labels(
    data: str, train_size: int, label_noise: float, width: int, epochs: int, seed: int
) -> Iterator[Block]:
    """Train on labels of which a share is wrong, and watch training and test accuracy."""
    yield READING
    clean, noisy = prepare(load(data), train_size, label_noise, seed)
    model = build(NetworkOptions(hidden=width), noisy, seed)
    curves = Curves(clean, noisy)
    for epoch in train(model, noisy, Recipe(epochs), seed):
        curves.add(model)
        yield Progress(epoch, epochs, f"epoch {epoch} of {epochs}")
        if is_view(epoch, epochs):
            yield _gap_chart(curves)
    if curves.wrong:
        yield _wrong_table(curves, logits(model, noisy.train).softmax(1))
    yield _memorised(curves)


def first_learned(
    data: str, train_size: int, label_noise: float, width: int, epochs: int, seed: int
) -> Iterator[Block]:
    """Train on labels of which a share is wrong, and watch which are given back first."""
    yield READING
    clean, noisy = prepare(load(data), train_size, label_noise, seed)
    model = build(NetworkOptions(hidden=width), noisy, seed)
    curves = Curves(clean, noisy)
    for epoch in train(model, noisy, Recipe(epochs), seed):
        curves.add(model)
        yield Progress(epoch, epochs, f"epoch {epoch} of {epochs}")
        if is_view(epoch, epochs):
            yield _order_chart(curves)
    yield _which_first(curves)


def _curve(name: str, values: Sequence[float], drawn: Drawn = Drawn.LINE) -> Series:
    epochs = tuple(float(epoch) for epoch in range(1, len(values) + 1))
    return Series(name, epochs, tuple(round(value, 4) for value in values), drawn)


def _gap_chart(curves: Curves) -> Chart:
    right_share = 1 - curves.is_wrong.double().mean().item()
    series = [
        _curve("training accuracy, on the labels as given", curves.train),
        _curve("test accuracy", curves.test),
        _curve("share of right training labels", [right_share] * len(curves.train)),
    ]
    if curves.wrong:
        series.append(_curve("wrong labels given back", curves.wrong))
    return Chart(
        "Training and test accuracy",
        f"After epoch {len(curves.train)} training accuracy is {percent(curves.train[-1])}, test "
        f"accuracy {percent(curves.test[-1])}; {percent(right_share)} of the training labels are "
        "right.",
        "epoch",
        "share",
        tuple(series),
        y_range=(0.0, 1.0),
        key="accuracy",
    )


def _wrong_table(curves: Curves, probabilities: Tensor) -> Table:
    chosen = curves.is_wrong.nonzero()[:NUM_SHOWN, 0].tolist()
    best = curves.test.index(max(curves.test))
    return Table(
        f"{len(chosen)} wrongly labelled training examples. Test accuracy was highest after epoch "
        f"{best + 1}",
        (
            "example",
            "true class",
            "label given",
            f"says after epoch {best + 1}",
            "says at the end",
            "probability of the label given",
        ),
        tuple(
            row(
                str(index),
                (
                    _class(curves, curves.clean.train.y[index]),
                    _class(curves, curves.noisy.train.y[index]),
                    _answer(curves, best, index),
                    _answer(curves, -1, index),
                    probabilities[index, curves.noisy.train.y[index]].item(),
                ),
            )
            for index in chosen
        ),
        key="examples",
    )


def _class(curves: Curves, index: Tensor) -> str:
    return curves.clean.classes[int(index)]


def _answer(curves: Curves, epoch: int, index: int) -> Cell:
    said = curves.answers[epoch][index]
    mark = Mark.NONE
    if said == curves.clean.train.y[index]:
        mark = Mark.BETTER
    elif said == curves.noisy.train.y[index]:
        mark = Mark.WORSE
    return Cell(_class(curves, said), mark)


def _memorised(curves: Curves) -> Outcome:
    noise = curves.is_wrong.double().mean().item()
    reached, right = curves.train[-1], 1 - noise
    if noise and reached > right + min(MARGIN, noise / 2):
        choice = 0
    else:
        choice = 2 if reached < right - MARGIN else 1
    given_back = (
        f" It gives back {percent(curves.wrong[-1])} of the wrong labels." if curves.wrong else ""
    )
    return Outcome(
        choice,
        f"{percent(right)} of the labels are right; training accuracy ends at {percent(reached)}, "
        f"test accuracy at {percent(curves.test[-1])}: a gap of "
        f"{(reached - curves.test[-1]) * 100:.1f} points.{given_back}",
    )


def _order_chart(curves: Curves) -> Chart:
    right, wrong, test = (percent(c[-1]) for c in (curves.right, curves.wrong, curves.test))
    return Chart(
        "Labels given back",
        f"After epoch {len(curves.train)} the network gives back {right} of the right training "
        f"labels and {wrong} of the wrong ones; test accuracy is {test}.",
        "epoch",
        "share",
        (
            _curve("right training labels", curves.right),
            _curve("wrong training labels", curves.wrong),
            _curve("test accuracy", curves.test),
        ),
        y_range=(0.0, 1.0),
        key="order",
    )


def _which_first(curves: Curves) -> Outcome:
    right, wrong = _half(curves.right), _half(curves.wrong)
    best = max(curves.test)
    last_epoch = len(curves.train)
    tail = (
        f" Test accuracy is highest, {percent(best)}, after epoch {curves.test.index(best) + 1}; "
        f"after epoch {last_epoch} it is {percent(curves.test[-1])}."
    )
    return Outcome(
        (right >= wrong) + (right == wrong),
        f"Half of the right labels: {_epoch(right, last_epoch)}. Half of the wrong ones: "
        f"{_epoch(wrong, last_epoch)}.{tail}",
    )


def _half(shares: Sequence[float]) -> int:
    """Return the first epoch after which half are given back; one past the last if none is."""
    return next((epoch for epoch, share in enumerate(shares, 1) if share >= 1 / 2), len(shares) + 1)


def _epoch(epoch: int, last: int) -> str:
    return f"not within {last} epochs" if epoch > last else f"after epoch {epoch}"
