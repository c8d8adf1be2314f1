"""Section 8, a real case: spam, or the student's pictures; two networks, watched by the auditor."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from wolfsbane.audit import Finding, watch
from wolfsbane.experiment.data import Data, Pool, default_train_size, load, split
from wolfsbane.experiment.intervals import Estimate, Verdict, estimate, judge
from wolfsbane.experiment.networks import NetworkOptions
from wolfsbane.learn.blocks import (
    Block,
    Chart,
    Drawn,
    Outcome,
    Progress,
    Series,
    Table,
    Text,
)
from wolfsbane.learn.experiments.figures import percent
from wolfsbane.learn.experiments.tables import row
from wolfsbane.learn.experiments.trainings import Recipe, build, is_view, logits, train
from wolfsbane.learn.practice.found import as_block

LARGEST_SHARE = 0.8
"""Of a training folder that is trained on, at most; the rest is for validation."""


@dataclass
class Contender:
    """One of the two networks, over all seeds.

    Attributes:
        name: as in the charts.
        options: how it is built.
        curve: test accuracy after each epoch of the training that goes on.
        finals: test accuracy after each training's last epoch.
        recalls: of each training, the share answered rightly of each class.
    """

    name: str
    options: NetworkOptions
    curve: list[float] = field(default_factory=list)
    finals: list[float] = field(default_factory=list)
    recalls: list[list[float]] = field(default_factory=list)

    def measure(self, model: torch.nn.Module, data: Data, *, is_last: bool) -> None:
        """Note the test accuracy after an epoch, and more after the last."""
        right = logits(model, data.test).argmax(1) == data.test.y
        self.curve.append(right.double().mean().item())
        if is_last:
            self.finals.append(self.curve[-1])
            self.recalls.append(
                [
                    right[data.test.y == label].double().mean().item()
                    for label in range(data.num_classes)
                ]
            )


def compare_networks(
    p: float, norm: bool, train_size: int, seeds: int, epochs: int, folder: str = ""
) -> Iterator[Block]:
    """Train a plain network and one with dropout and batch norm, under the same seeds.

    Raises:
        DataError: the folder is not there, or nothing can be learned from what is in it.
    """
    yield Progress(0, 2 * seeds * epochs, "reading the data")
    pool = load(folder or "spam")
    size = _train_size(pool, train_size)
    plain = Contender("plain", NetworkOptions())
    chosen = Contender(_words(p, norm), NetworkOptions(dropout=p, batchnorm=norm))
    found: list[Finding] = []
    done = 0
    for seed in range(seeds):
        data = split(pool, size, seed)
        if seed == 0:
            yield _data_table(data)
        plain.curve.clear()
        chosen.curve.clear()
        for contender in (plain, chosen):
            for epoch in _one_training(contender, data, seed, epochs, found):
                done += 1
                if is_view(epoch, epochs):
                    yield _curves_chart(plain, chosen, seed, epochs)
                words = f"{contender.name}, seed {seed}: epoch {epoch} of {epochs}"
                yield Progress(done, 2 * seeds * epochs, words)
        yield _finals_chart(plain, chosen)
    yield _classes_table(data, plain, chosen)
    yield from _findings(found, 2 * seeds)
    yield _outcome(plain, chosen, len(data.test))


def _one_training(
    contender: Contender, data: Data, seed: int, epochs: int, found: list[Finding]
) -> Iterator[int]:
    model = build(contender.options, data, seed)
    with watch(model) as findings:
        for epoch in train(model, data, Recipe(epochs), seed):
            contender.measure(model, data, is_last=epoch == epochs)
            yield epoch
    found += findings


def _train_size(pool: Pool, wanted: int) -> int:
    """Return how many examples are trained on: what was wanted, or what a small folder allows."""
    share = LARGEST_SHARE if pool.test is not None else 0.5
    most = max(int(len(pool.examples) * share), default_train_size(pool))
    return min(wanted, most)


def _words(p: float, norm: bool) -> str:
    parts = [f"dropout {p:g}"] if p else []
    parts += ["batch norm"] if norm else []
    return "with " + " and ".join(parts) if parts else "plain too"


def _data_table(data: Data) -> Table:
    rows = [
        row(
            name,
            (
                str(int((data.train.y == label).sum())),
                str(int((data.validation.y == label).sum())),
                str(int((data.test.y == label).sum())),
            ),
        )
        for label, name in enumerate(data.classes)
    ]
    shape = " x ".join(str(side) for side in data.input_shape)
    return Table(
        f"The data, {data.name}: examples of each class; one input is {shape} numbers",
        ("class", "trained on", "for validation", "tested on"),
        tuple(rows),
    )


def _curves_chart(plain: Contender, chosen: Contender, seed: int, epochs: int) -> Chart:
    def series(contender: Contender) -> Series:
        numbers = tuple(range(1, len(contender.curve) + 1))
        return Series(contender.name, numbers, tuple(contender.curve))

    return Chart(
        f"Test accuracy while seed {seed} trains",
        f"After each of {epochs} epochs, for the plain network and the chosen one.",
        "epoch",
        "share of test examples answered rightly",
        (series(plain), series(chosen)),
        key="curves",
    )


def _finals_chart(plain: Contender, chosen: Contender) -> Chart:
    return Chart(
        "Test accuracy after the last epoch, seed by seed",
        "One point for each network and seed.",
        "seed",
        "share of test examples answered rightly",
        tuple(
            Series(each.name, tuple(range(len(each.finals))), tuple(each.finals), Drawn.POINTS)
            for each in (plain, chosen)
        ),
        key="finals",
    )


def _classes_table(data: Data, plain: Contender, chosen: Contender) -> Table:
    def mean(contender: Contender, label: int) -> str:
        recalls = [each[label] for each in contender.recalls]
        return percent(sum(recalls) / len(recalls))

    return Table(
        "Test examples answered rightly, by class, mean over the seeds",
        ("class", plain.name, chosen.name),
        tuple(
            row(name, (mean(plain, label), mean(chosen, label)))
            for label, name in enumerate(data.classes)
        ),
    )


def _findings(found: list[Finding], trainings: int) -> Iterator[Block]:
    """Yield each finding once, however many trainings had it."""
    seen = {(each.code, each.message): each for each in found}
    for each in seen.values():
        yield as_block(each)
    if not seen:
        yield Text(f"The auditor watched all {trainings} trainings, and found nothing.")


def difference_of(plain: list[float], chosen: list[float], num_tested: int) -> Estimate:
    """Return the mean paired difference, chosen less plain, with its interval."""
    pairs = zip(chosen, plain, strict=True)
    return estimate([mine - other for mine, other in pairs], resolution=1 / num_tested)


def _outcome(plain: Contender, chosen: Contender, num_tested: int) -> Outcome:
    difference = difference_of(plain.finals, chosen.finals, num_tested)
    verdict = judge(difference, higher_is_better=True)
    choice = {Verdict.GAIN: 0, Verdict.NOTHING: 1, Verdict.HARM: 2}[verdict]
    mean, low, high = (
        f"{100 * value:+.2f}" for value in (difference.mean, difference.low, difference.high)
    )
    return Outcome(
        choice,
        f"Test accuracy {chosen.name}, less that of the plain network: {mean} points over "
        f"{difference.num_seeds} seeds and {num_tested:,} test examples, with a 95% interval from "
        f"{low} to {high} points.",
    )
