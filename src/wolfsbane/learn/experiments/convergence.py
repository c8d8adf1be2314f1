"""Convergence with batch norm and without, each at its own best learning rate."""

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

from wolfsbane.experiment.data import Data, load
from wolfsbane.experiment.intervals import Estimate, Verdict, estimate, judge
from wolfsbane.experiment.metrics import Scores
from wolfsbane.experiment.networks import NetworkOptions
from wolfsbane.learn.blocks import Block, Chart, Outcome, Scale, Series, Table
from wolfsbane.learn.experiments.figures import percent
from wolfsbane.learn.experiments.paired import Count
from wolfsbane.learn.experiments.tables import number, row
from wolfsbane.learn.experiments.trainings import (
    READING,
    Method,
    Recipe,
    build,
    measure,
    prepare,
    train,
)

LEARNING_RATES: dict[Method, tuple[float, ...]] = {
    "sgd": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    "adamw": (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
}

NUM_SEEDS = 2
"""Trainings of each learning rate, by which it is chosen."""

NUM_PROOFS = 4
"""Pairs of trainings at the chosen rates, on seeds that had no part in the choice."""

WIDTH = 64

NAMES = {False: "without batch norm", True: "with batch norm"}

SHARE_OF_BEST = 0.95
"""Of the better network's final accuracy: what both are timed to."""


@dataclass
class Found:
    """What one of the two networks came to.

    Attributes:
        losses: validation NLL after the last epoch, by learning rate, one of each seed.
        chosen: the learning rate with the lowest mean.
        curves: test scores after each epoch at that rate, one curve of each new seed.
    """

    losses: dict[float, list[float]] = field(default_factory=dict)
    chosen: float = 0.0
    curves: list[list[Scores]] = field(default_factory=list)


@dataclass(frozen=True)
class Setting:
    """What trainings have in common."""

    data: str
    train_size: int
    depth: int
    epochs: int
    method: Method


def compare(
    data: str, train_size: int, depth: int, method: Method, epochs: int, seed: int
) -> Iterator[Block]:
    """Choose a learning rate for each network, then train both on new seeds."""
    yield READING
    setting = Setting(data, train_size, depth, epochs, method)
    rates = LEARNING_RATES[method]
    count = Count(epochs * 2 * (NUM_SEEDS * len(rates) + NUM_PROOFS))
    found = {False: Found(), True: Found()}
    drawn = _drawn(setting, range(seed, seed + NUM_SEEDS + NUM_PROOFS))
    for rate in rates:
        for has_norm, one in found.items():
            one.losses[rate] = []
            for each in list(drawn)[:NUM_SEEDS]:
                curve = yield from _train(setting, has_norm, rate, drawn[each], each, count)
                one.losses[rate].append(curve[-1][0])
        yield _rates_chart(found)
    for one in found.values():
        one.chosen = best_rate(one.losses)
    for each in list(drawn)[NUM_SEEDS:]:
        for has_norm, one in found.items():
            curve = yield from _train(setting, has_norm, one.chosen, drawn[each], each, count)
            one.curves.append([test for _, test in curve])
        yield _curves_chart(found)
    yield _table(found)
    yield _which_first(found)


def best_rate(losses: dict[float, list[float]]) -> float:
    """Return the learning rate with the lowest mean loss; one that diverged is not chosen."""
    means = {rate: sum(of_rate) / len(of_rate) for rate, of_rate in losses.items()}
    return min(means, key=lambda rate: means[rate] if math.isfinite(means[rate]) else math.inf)


def first_epoch(curve: Sequence[Scores], target: float) -> int:
    """Return the first epoch after which accuracy is `target`; one past the last if none is."""
    reached = (epoch for epoch, one in enumerate(curve, 1) if one.accuracy >= target)
    return next(reached, len(curve) + 1)


def _drawn(setting: Setting, seeds: Sequence[int]) -> dict[int, Data]:
    pool = load(setting.data)
    return {each: prepare(pool, setting.train_size, 0.0, each)[0] for each in seeds}


def _train(
    setting: Setting, has_norm: bool, rate: float, data: Data, seed: int, count: Count
) -> Generator[Block, None, list[tuple[float, Scores]]]:
    """Train one network; return its validation NLL and test scores after each epoch."""
    options = NetworkOptions(batchnorm=has_norm, hidden=WIDTH, layers=setting.depth)
    model = build(options, data, seed)
    recipe = Recipe(setting.epochs, rate, method=setting.method)
    curve: list[tuple[float, Scores]] = []
    for epoch in train(model, data, recipe, seed):
        curve.append((measure(model, data.validation).nll, measure(model, data.test)))
        yield count.one_more(
            f"{NAMES[has_norm]}, learning rate {rate:g}, seed {seed}: epoch {epoch}"
        )
    return curve


def _rates_chart(found: dict[bool, Found]) -> Chart:
    tried = tuple(found[True].losses)
    series = []
    for has_norm, one in found.items():
        means = [sum(losses) / len(losses) for losses in one.losses.values()]
        heights = (round(mean, 4) if math.isfinite(mean) else None for mean in means)
        series.append(Series(NAMES[has_norm], tried, tuple(heights)))
    return Chart(
        "Validation loss against the learning rate",
        f"{len(tried)} learning rates so far, the mean over {NUM_SEEDS} seeds. Lower is better; "
        "where there is no figure the training diverged.",
        "learning rate",
        "validation negative log-likelihood",
        tuple(series),
        x_scale=Scale.LOG,
        y_scale=Scale.LOG,
        key="rates",
    )


def _curves_chart(found: dict[bool, Found]) -> Chart:
    series = []
    for has_norm, one in found.items():
        by_epoch = list(zip(*([s.accuracy for s in curve] for curve in one.curves), strict=True))
        series.append(
            Series(
                f"{NAMES[has_norm]}, learning rate {one.chosen:g}",
                tuple(float(epoch) for epoch in range(1, len(by_epoch) + 1)),
                tuple(round(sum(values) / len(values), 4) for values in by_epoch),
                lower=tuple(round(min(values), 4) for values in by_epoch),
                upper=tuple(round(max(values), 4) for values in by_epoch),
            )
        )
    return Chart(
        "Test accuracy, each at its best learning rate",
        f"Mean over {len(found[True].curves)} seeds; the band is from the lowest to the highest.",
        "epoch",
        "share right",
        tuple(series),
        key="curves",
    )


def _target(found: dict[bool, Found]) -> float:
    finals = [
        sum(curve[-1].accuracy for curve in one.curves) / len(one.curves) for one in found.values()
    ]
    return SHARE_OF_BEST * max(finals)


def _table(found: dict[bool, Found]) -> Table:
    target = _target(found)
    last = len(found[True].curves[0])
    columns = ("", *NAMES.values())
    both = [found[False], found[True]]
    needed = [
        ", ".join(_epochs(first_epoch(curve, target), last) for curve in one.curves) for one in both
    ]
    ends = [[curve[-1] for curve in one.curves] for one in both]
    return Table(
        f"At the chosen learning rates, on {NUM_PROOFS} new seeds",
        columns,
        (
            row("learning rate", map(_rate, both)),
            row(f"epochs to {percent(target)} accuracy, each seed", needed),
            row(
                "final accuracy", [percent(sum(s.accuracy for s in end) / len(end)) for end in ends]
            ),
            row("final NLL", [number(sum(s.nll for s in end) / len(end), 3) for end in ends]),
        ),
        key="table",
    )


def _rate(one: Found) -> str:
    """Return the chosen rate, and whether better ones may lie beyond those tried."""
    is_end = one.chosen in {min(one.losses), max(one.losses)}
    return f"{one.chosen:g}, the last in its direction" if is_end else f"{one.chosen:g}"


def _epochs(epoch: int, last: int) -> str:
    return f"> {last}" if epoch > last else str(epoch)


def _which_first(found: dict[bool, Found]) -> Outcome:
    target = _target(found)
    pairs = zip(found[False].curves, found[True].curves, strict=True)
    fewer = estimate(
        [first_epoch(with_, target) - first_epoch(without, target) for without, with_ in pairs],
        resolution=1.0,
    )
    verdict = judge(fewer, higher_is_better=False)
    choice = {Verdict.GAIN: 0, Verdict.NOTHING: 1, Verdict.HARM: 2}[verdict]
    return Outcome(choice, _words(fewer, target))


def _words(fewer: Estimate, target: float) -> str:
    return (
        f"To reach {percent(target)} test accuracy, {SHARE_OF_BEST:.0%} of what the better of the "
        f"two ends at, batch norm changes the number of epochs by {fewer.mean:+.1f} (95% interval "
        f"{fewer.low:+.1f} to {fewer.high:+.1f}), each at its own learning rate. A network that "
        "does not get there counts as one epoch more than it had."
    )
