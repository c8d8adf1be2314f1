"""Section 9, two mistakes as they train: what each costs, in figures."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

from wolfsbane.audit import Finding, watch
from wolfsbane.experiment.data import Data, load
from wolfsbane.experiment.networks import NetworkOptions
from wolfsbane.learn.blocks import (
    Block,
    Chart,
    Outcome,
    Printed,
    Progress,
    Series,
    Table,
    Text,
)
from wolfsbane.learn.experiments.figures import figure, percent
from wolfsbane.learn.experiments.reproducible import reproducible
from wolfsbane.learn.experiments.tables import number, row
from wolfsbane.learn.experiments.trainings import Recipe, build, is_view, measure, prepare, train
from wolfsbane.learn.practice.found import as_block
from wolfsbane.learn.practice.running import run

TRAIN_SIZE = 300
BATCH_SIZE = 50
SAME = 0.05
"""Relative difference of losses up to which they count as the same."""


@dataclass
class Watched:
    """A training under the auditor's eyes.

    Attributes:
        name: as in the charts.
        train_loss, test_loss: in evaluation mode, after each epoch.
        accuracy: on the test examples.
        findings: what the auditor found.
    """

    name: str
    train_loss: list[float] = field(default_factory=list)
    test_loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def note(self, model: nn.Module, data: Data) -> None:
        """Measure a copy of the model, so that its mode is set by nobody but the loop."""
        model = copy.deepcopy(model)
        self.train_loss.append(measure(model, data.train).nll)
        test = measure(model, data.test)
        self.test_loss.append(test.nll)
        self.accuracy.append(test.accuracy)


FIT = """\
import torch
from torch.nn import functional

def fit(model, data, optimizer, epochs):
    {once}for epoch in range(epochs):
        {each}for index in torch.randperm(len(data.train)).split({batch_size}):
            optimizer.zero_grad()
            logits = model(data.train.x[index])
            functional.cross_entropy(logits, data.train.y[index]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            model(data.validation.x)    # a look at the validation examples
        yield epoch
"""
RESTORED = FIT.format(once="", each="model.train()\n        ", batch_size=BATCH_SIZE)
FORGOTTEN = FIT.format(once="model.train()\n    ", each="", batch_size=BATCH_SIZE)
Fit = Callable[[nn.Module, Data, torch.optim.Optimizer, int], Iterator[int]]


def fit_of(program: str) -> Fit:
    """Return the loop that a program defines; the auditor tells its lines from ours."""
    ran = run(program)
    assert ran.ended_well, ran.error
    fit: Fit = ran.names["fit"]
    return fit


def forgotten_train(data: str, p: float, norm: bool, epochs: int, seed: int) -> Iterator[Block]:
    """Train twice alike, but that one loop never goes back to training mode."""
    yield Progress(0, 2 * epochs, "reading the data")
    _, examples = prepare(load(data), TRAIN_SIZE, 0.0, seed)
    yield Printed(FORGOTTEN, "")
    both = [Watched("train() in each epoch"), Watched("train() once")]
    for place, (program, watched) in enumerate(zip((RESTORED, FORGOTTEN), both, strict=True)):
        model = build(NetworkOptions(dropout=p, batchnorm=norm, hidden=128), examples, seed)
        optimizer = torch.optim.AdamW(model.parameters())
        with reproducible(seed), watch(model) as findings:
            for epoch in fit_of(program)(model, examples, optimizer, epochs):
                watched.note(model, examples)
                if is_view(epoch + 1, epochs):
                    yield _losses_chart(both)
                words = f"{watched.name}: epoch {epoch + 1} of {epochs}"
                yield Progress(place * epochs + epoch + 1, 2 * epochs, words)
        watched.findings += findings
    yield _ends_table(both)
    yield from _findings(both)
    yield _forgotten_outcome(*both)


def _losses_chart(both: list[Watched]) -> Chart:
    series = []
    for watched in both:
        epochs = tuple(range(1, len(watched.train_loss) + 1))
        series.append(Series(f"training, {watched.name}", epochs, tuple(watched.train_loss)))
        series.append(Series(f"test, {watched.name}", epochs, tuple(watched.test_loss)))
    return Chart(
        "Loss, measured in evaluation mode",
        "Cross-entropy on training and test examples after each epoch, for both loops.",
        "epoch",
        "cross-entropy",
        tuple(series),
        key="losses",
    )


def _ends_table(both: list[Watched]) -> Table:
    return Table(
        "After the last epoch",
        ("", *(each.name for each in both)),
        (
            row("training loss", [number(each.train_loss[-1], 3) for each in both]),
            row("test loss", [number(each.test_loss[-1], 3) for each in both]),
            row("test accuracy", [percent(each.accuracy[-1]) for each in both]),
        ),
    )


def _findings(both: list[Watched]) -> Iterator[Block]:
    for watched in both:
        if not watched.findings:
            yield Text(f"{watched.name}: the auditor watched this training, and found nothing.")
        for each in watched.findings:
            yield as_block(each)


def _forgotten_outcome(right: Watched, wrong: Watched) -> Outcome:
    expected, got = right.train_loss[-1], wrong.train_loss[-1]
    is_same = abs(got - expected) <= SAME * expected
    choice = 1 if is_same else 0 if got < expected else 2
    return Outcome(
        choice,
        f"Training loss ends at {figure(got)} with `train()` once and at {figure(expected)} with "
        f"`train()` in each epoch; test loss at {figure(wrong.test_loss[-1])} and "
        f"{figure(right.test_loss[-1])}.",
    )


ENDS: dict[str, nn.Module] = {
    "softmax": nn.Softmax(dim=1),
    "log_softmax": nn.LogSoftmax(dim=1),
    "relu": nn.ReLU(),
    "sigmoid": nn.Sigmoid(),
    "none": nn.Identity(),
}
"""What stands between the last linear layer and the loss."""

LOW, HIGH = 0.1, 1.0


def before_the_loss(data: str, end: str, epochs: int, seed: int) -> Iterator[Block]:
    """Train with something between the logits and the cross-entropy, and without."""
    yield Progress(0, 2 * epochs, "reading the data")
    _, examples = prepare(load(data), TRAIN_SIZE, 0.0, seed)
    both = [Watched("logits"), Watched(f"{type(ENDS[end]).__name__} of the logits")]
    for place, (module, watched) in enumerate(zip((nn.Identity(), ENDS[end]), both, strict=True)):
        model = nn.Sequential(build(NetworkOptions(hidden=128), examples, seed), module)
        with watch(model) as findings:
            for epoch in train(model, examples, Recipe(epochs, learning_rate=3e-3), seed):
                watched.note(model, examples)
                if is_view(epoch, epochs):
                    yield _floor_chart(both, examples.num_classes)
                words = f"{watched.name}: epoch {epoch} of {epochs}"
                yield Progress(place * epochs + epoch, 2 * epochs, words)
        watched.findings += findings
    yield _ends_table(both)
    yield from _findings(both)
    yield _floor_outcome(both[1], examples.num_classes)


def softmax_floor(num_classes: int) -> float:
    """Return the least cross-entropy of probabilities taken for logits: all on the right class."""
    return math.log1p((num_classes - 1) / math.e)


def _floor_chart(both: list[Watched], num_classes: int) -> Chart:
    longest = max(len(watched.train_loss) for watched in both)
    floor = (softmax_floor(num_classes),) * longest
    curves = [(each.name, tuple(each.train_loss)) for each in both]
    curves.append(("least possible after softmax", floor))
    return Chart(
        "Training loss, with and without",
        "Cross-entropy on the training examples after each epoch, and the least it can be when it "
        "is given probabilities.",
        "epoch",
        "cross-entropy",
        tuple(Series(name, tuple(range(1, len(y) + 1)), y) for name, y in curves),
        key="losses",
    )


def _floor_outcome(watched: Watched, num_classes: int) -> Outcome:
    lowest = min(watched.train_loss)
    choice = 0 if lowest < LOW else 1 if lowest < HIGH else 2
    return Outcome(
        choice,
        f"With {watched.name} the training loss came down to {figure(lowest)}. After a softmax "
        f"it cannot be less than {figure(softmax_floor(num_classes))} with {num_classes} classes.",
    )
