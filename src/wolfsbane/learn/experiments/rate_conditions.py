"""Where dropout helps: few examples or many, right labels or wrong ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wolfsbane.experiment.data import load
from wolfsbane.experiment.intervals import Estimate, Verdict, judge
from wolfsbane.learn.blocks import Block, Chart, Drawn, Outcome, Series, Table
from wolfsbane.learn.experiments.figures import percent
from wolfsbane.learn.experiments.paired import (
    Count,
    Setting,
    Trained,
    accuracy_difference,
    points,
    train_once,
    verdict_cell,
)
from wolfsbane.learn.experiments.tables import row
from wolfsbane.learn.experiments.trainings import READING

NUM_SEEDS = 3
"""Pairs of trainings for each condition."""

FEW, MANY = 100, 800

NOISE = 0.3


@dataclass(frozen=True)
class Condition:
    """What the network is trained on; `CONDITIONS` has the order of the prediction's choices."""

    name: str
    train_size: int
    label_noise: float


CONDITIONS = (
    Condition("many, right labels", MANY, 0.0),
    Condition("few, right labels", FEW, 0.0),
    Condition("many, 30% wrong", MANY, NOISE),
    Condition("few, 30% wrong", FEW, NOISE),
)


@dataclass(frozen=True)
class Compared:
    """A condition with its paired trainings."""

    condition: Condition
    without: tuple[Trained, ...]
    given: tuple[Trained, ...]

    @property
    def difference(self) -> Estimate:
        """What the rate changes in test accuracy."""
        return accuracy_difference(self.without, self.given)


def where(data: str, p: float, width: int, epochs: int, seed: int) -> Iterator[Block]:
    """Train with a rate and without under four conditions, and compare seed by seed."""
    yield READING
    pool = load(data)
    count = Count(2 * NUM_SEEDS * len(CONDITIONS) * epochs)
    found: list[Compared] = []
    for condition in CONDITIONS:
        setting = Setting(
            pool, condition.train_size, condition.label_noise, width, epochs, part_of=MANY
        )
        without: list[Trained] = []
        given: list[Trained] = []
        for each in range(seed, seed + NUM_SEEDS):
            without.append((yield from train_once(setting, 0.0, each, count)))
            given.append((yield from train_once(setting, p, each, count)))
        found.append(Compared(condition, tuple(without), tuple(given)))
        yield _chart(p, found)
    yield _table(p, found)
    yield _largest(p, found)


def _chart(p: float, found: Sequence[Compared]) -> Chart:
    names = tuple(one.condition.name for one in found)
    differences = [one.difference for one in found]
    last = found[-1]
    series = Series(
        "mean difference",
        names,
        tuple(100 * one.mean for one in differences),
        Drawn.BARS,
        lower=tuple(100 * one.low for one in differences),
        upper=tuple(100 * one.high for one in differences),
    )
    return Chart(
        f"What p = {p:g} changes in test accuracy",
        f"The latest of {len(found)} conditions, {last.condition.name}: {points(last.difference)}.",
        "training examples",
        "points of test accuracy, with the 95% interval",
        (series,),
        key="conditions",
    )


def _table(p: float, found: Sequence[Compared]) -> Table:
    return Table(
        f"Test accuracy, the mean over {NUM_SEEDS} seeds; {FEW} training examples are few, {MANY} "
        "many",
        ("training examples", "p = 0", f"p = {p:g}", "difference", "what can be said"),
        tuple(
            row(
                one.condition.name,
                (
                    percent(sum(each.test.accuracy for each in one.without) / NUM_SEEDS),
                    percent(sum(each.test.accuracy for each in one.given) / NUM_SEEDS),
                    points(one.difference),
                    verdict_cell(judge(one.difference, higher_is_better=True)),
                ),
            )
            for one in found
        ),
        key="table",
    )


def _largest(p: float, found: Sequence[Compared]) -> Outcome:
    gains = [one for one in found if judge(one.difference, higher_is_better=True) is Verdict.GAIN]
    if not gains:
        return Outcome(
            len(CONDITIONS),
            f"With {NUM_SEEDS} seeds no interval lies above 0 at p = {p:g}, under any condition.",
        )
    best = max(gains, key=lambda one: one.difference.mean)
    return Outcome(
        CONDITIONS.index(best.condition),
        f"A gain can be told under {len(gains)} of {len(found)} conditions; the largest is that of "
        f"{best.condition.name}: {points(best.difference)}.",
    )
