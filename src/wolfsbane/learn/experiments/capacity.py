"""What a network can memorise: by its width, on random labels; by the number of examples."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from wolfsbane.experiment.data import Examples, load
from wolfsbane.experiment.networks import NetworkOptions
from wolfsbane.experiment.training import seeded
from wolfsbane.learn.blocks import Block, Chart, Outcome, Progress, Scale, Series, Table
from wolfsbane.learn.experiments.figures import percent
from wolfsbane.learn.experiments.tables import row
from wolfsbane.learn.experiments.trainings import READING, Recipe, build, measure, prepare, train

MARGIN = 0.03
"""Gaps that differ by less count as equal."""

NEARLY_ALL = 0.95
"""Share of labels from which they count as learned."""

LEARNING_RATE = 1e-2
"""On random labels: ten times the default, so that narrow networks are done in time too."""

WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128)

SIZES = (50, 100, 200, 400, 800)
"""Training sets, each a part of the last, so that all are tested on the same examples."""


def random_labels(data: str, train_size: int, epochs: int, seed: int) -> Iterator[Block]:
    """Train networks of several widths, with one hidden layer, on labels drawn at random."""
    yield READING
    clean, _ = prepare(load(data), train_size, 0.0, seed)
    with seeded(seed):
        y = torch.randint(clean.num_classes, (train_size,))
    random = replace(clean, train=Examples(clean.train.x, y))
    recipe = Recipe(epochs, LEARNING_RATE)
    found: list[tuple[int, float, float]] = []
    for done, width in enumerate(WIDTHS):
        model = build(NetworkOptions(hidden=width, layers=1), random, seed)
        for epoch in train(model, random, recipe, seed):
            words = f"{width} hidden units: epoch {epoch} of {epochs}"
            yield Progress(done * epochs + epoch, len(WIDTHS) * epochs, words)
        size = sum(parameter.numel() for parameter in model.parameters())
        train_accuracy = measure(model, random.train).accuracy
        found.append((size, train_accuracy, measure(model, random.test).accuracy))
        yield _random_chart(found, random.num_classes)
    yield _random_table(found, train_size)
    yield _who_fits(found, train_size)


def more_examples(
    data: str, label_noise: float, width: int, epochs: int, seed: int
) -> Iterator[Block]:
    """Train one network on more and more examples, and compare training with test accuracy."""
    yield READING
    pool = load(data)
    found: list[tuple[float, float]] = []
    for done, size in enumerate(SIZES):
        _, noisy = prepare(pool, size, label_noise, seed, part_of=SIZES[-1])
        model = build(NetworkOptions(hidden=width), noisy, seed)
        for epoch in train(model, noisy, Recipe(epochs), seed):
            words = f"{size} examples: epoch {epoch} of {epochs}"
            yield Progress(done * epochs + epoch, len(SIZES) * epochs, words)
        found.append((measure(model, noisy.train).accuracy, measure(model, noisy.test).accuracy))
        yield _sizes_chart(found)
    yield _gap_change(found)


def _random_chart(found: Sequence[tuple[int, float, float]], num_classes: int) -> Chart:
    sizes = tuple(float(size) for size, _, _ in found)
    return Chart(
        "Random labels: accuracy against the number of parameters",
        f"With {found[-1][0]} parameters {percent(found[-1][1])} of the random labels are given "
        f"back; test accuracy is {percent(found[-1][2])}.",
        "parameters",
        "share",
        (
            Series("training accuracy, on random labels", sizes, tuple(one[1] for one in found)),
            Series("test accuracy, on right labels", sizes, tuple(one[2] for one in found)),
            Series("one of the classes, by chance", sizes, (1 / num_classes,) * len(found)),
        ),
        x_scale=Scale.LOG,
        y_range=(0.0, 1.0),
        key="random",
    )


def _random_table(found: Sequence[tuple[int, float, float]], train_size: int) -> Table:
    return Table(
        f"Networks with one hidden layer, after training on {train_size} random labels",
        (
            "hidden units",
            "parameters",
            "parameters per label",
            "training accuracy",
            "test accuracy",
        ),
        tuple(
            row(str(width), (str(size), size / train_size, percent(train), percent(test)))
            for width, (size, train, test) in zip(WIDTHS, found, strict=True)
        ),
        key="widths",
    )


def _who_fits(found: Sequence[tuple[int, float, float]], train_size: int) -> Outcome:
    fits = [size for size, accuracy, _ in found if accuracy >= NEARLY_ALL]
    highest = max(accuracy for _, accuracy, _ in found)
    if not fits:
        return Outcome(0, f"The most that any width gives back is {percent(highest)}.")
    return Outcome(
        2 if len(fits) == len(found) else 1,
        f"{len(fits)} of {len(found)} widths give back {NEARLY_ALL:.0%} of the {train_size} random "
        f"labels or more; the smallest of them has {min(fits)} parameters.",
    )


def _sizes_chart(found: Sequence[tuple[float, float]]) -> Chart:
    sizes = tuple(float(size) for size in SIZES[: len(found)])
    last_train, last_test = found[-1]
    return Chart(
        "Accuracy against the number of training examples",
        f"With {SIZES[len(found) - 1]} examples training accuracy is {percent(last_train)}, test "
        f"accuracy {percent(last_test)}.",
        "training examples",
        "share",
        (
            Series("training accuracy, on the labels as given", sizes, tuple(a for a, _ in found)),
            Series("test accuracy", sizes, tuple(b for _, b in found)),
            Series("gap", sizes, tuple(a - b for a, b in found)),
        ),
        x_scale=Scale.LOG,
        key="sizes",
    )


def _gap_change(found: Sequence[tuple[float, float]]) -> Outcome:
    gaps = [train - test for train, test in found]
    change = gaps[-1] - gaps[0]
    return Outcome(
        1 if abs(change) <= MARGIN else 1 + int(math.copysign(1, change)),
        f"The gap is {gaps[0] * 100:.1f} points with {SIZES[0]} examples and "
        f"{gaps[-1] * 100:.1f} points with {SIZES[-1]}.",
    )
