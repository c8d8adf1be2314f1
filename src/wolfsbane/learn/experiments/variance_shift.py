"""Section 6, the variance shift: what batch norm learns in training, and meets in evaluation."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wolfsbane.experiment.data import Data, Examples, load
from wolfsbane.learn.blocks import Block, Chart, Outcome, Progress, Scale, Series, Table
from wolfsbane.learn.experiments.figures import figure, percent
from wolfsbane.learn.experiments.reproducible import reproducible
from wolfsbane.learn.experiments.tables import number, row
from wolfsbane.learn.experiments.together import TRAIN_SIZE, WIDTH, build, words
from wolfsbane.learn.experiments.trainings import Recipe, measure, prepare, train

EPOCHS = 30
MUCH = 1.5
LITTLE = 1.1


@dataclass(frozen=True)
class Shift:
    """Variances of one batch norm's input, summed over its units.

    Attributes:
        learned: its running variance.
        met: the variance over all training examples in evaluation mode.
    """

    learned: float
    met: float

    @property
    def ratio(self) -> float:
        """How many times too large the learned variance is."""
        return self.learned / self.met


def variance_shift(
    data: str, order: str, p: float, seed: int, epochs: int = EPOCHS
) -> Iterator[Block]:
    """Train, and compare each batch norm's running variance with that of evaluation."""
    yield Progress(0, epochs, "reading the data")
    examples, _ = prepare(load(data), TRAIN_SIZE, 0.0, seed)
    with reproducible(seed):
        model = build(order, examples.train.x.shape[1], examples.num_classes, p)
    seen: list[list[Shift]] = []
    for epoch in train(model, examples, Recipe(epochs), seed):
        seen.append(shifts(model, examples.train))
        yield _chart(seen)
        yield Progress(epoch, epochs, f"epoch {epoch} of {epochs}")
    yield _table(seen[-1], order)
    yield _accuracy_table(model, examples)
    yield _outcome(seen[-1], p)


def shifts(model: nn.Sequential, examples: Examples) -> list[Shift]:
    """Return learned and met variance of every batch norm, by a hook on its input."""
    inputs: list[Tensor] = []

    def record(_module: nn.Module, given: tuple[Tensor, ...]) -> None:
        inputs.append(given[0])

    norms = [module for module in model if isinstance(module, nn.BatchNorm1d)]
    handles = [norm.register_forward_pre_hook(record) for norm in norms]
    measure(model, examples)
    for handle in handles:
        handle.remove()
    found = []
    for norm, given in zip(norms, inputs, strict=True):
        assert norm.running_var is not None
        learned, met = norm.running_var.sum().item(), given.var(0).sum().item()
        found.append(Shift(learned, met))
    return found


def with_statistics_of_evaluation(model: nn.Sequential, examples: Examples) -> nn.Sequential:
    """Return a copy whose batch norms have the statistics of all examples, dropout being off.

    Each batch norm in turn, since the next one's input depends on it.
    """
    copied = copy.deepcopy(model).eval()
    for place, module in enumerate(copied):
        if isinstance(module, nn.BatchNorm1d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over all batches, of which there is one
            module.train()
            with torch.no_grad():
                copied[: place + 1](examples.x)
            module.eval()
    return copied


def _chart(seen: list[list[Shift]]) -> Chart:
    epochs = tuple(range(1, len(seen) + 1))
    return Chart(
        "Variance learned in training, as a multiple of the variance in evaluation",
        "For either batch norm after each epoch; at 1 both are the same.",
        "epoch",
        "ratio of variances",
        tuple(
            Series(f"{name} batch norm", epochs, tuple(each[place].ratio for each in seen))
            for place, name in enumerate(("first", "second"))
        ),
        y_scale=Scale.LOG,
        key="shift",
    )


def _table(found: list[Shift], order: str) -> Table:
    return Table(
        f"After training, with the order {words(order)}: variances summed over {WIDTH} units",
        ("", "learned in training", "met in evaluation", "ratio"),
        tuple(
            row(name, (figure(shift.learned), figure(shift.met), number(shift.ratio)))
            for name, shift in zip(("first batch norm", "second batch norm"), found, strict=True)
        ),
    )


def _accuracy_table(model: nn.Sequential, data: Data) -> Table:
    as_trained = measure(model, data.test)
    mended = measure(with_statistics_of_evaluation(model, data.train), data.test)
    return Table(
        "Test examples, with the statistics learned in training, and with statistics taken again "
        "with dropout off",
        ("", "learned in training", "taken again"),
        (
            row("accuracy", (percent(as_trained.accuracy), percent(mended.accuracy))),
            row("negative log-likelihood", (number(as_trained.nll, 3), number(mended.nll, 3))),
        ),
    )


def _outcome(found: list[Shift], p: float) -> Outcome:
    first, second = found
    ratio = first.ratio
    choice = 0 if ratio < LITTLE else 1 if ratio <= MUCH else 2
    return Outcome(
        choice,
        f"The first batch norm has learned {ratio:.2f} times the variance that it meets in "
        f"evaluation, the second {second.ratio:.2f} times. With a drop probability of {p:g}, "
        f"1 / (1 - p) is {1 / (1 - p):.2f}.",
    )
