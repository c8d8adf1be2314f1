"""The rate: a sweep that chooses one, and a comparison on new seeds that says what it is worth."""

from collections.abc import Iterator, Sequence

from wolfsbane.experiment.data import load
from wolfsbane.experiment.intervals import judge
from wolfsbane.learn.blocks import Block, Chart, Drawn, Outcome, Series, Table
from wolfsbane.learn.experiments.figures import percent
from wolfsbane.learn.experiments.paired import (
    CHOICES,
    WORDS,
    Count,
    Setting,
    Trained,
    accuracy_difference,
    comparison_rows,
    points,
    train_once,
)
from wolfsbane.learn.experiments.tables import number
from wolfsbane.learn.experiments.trainings import READING

RATES = (0.0, 0.2, 0.4, 0.6, 0.8)

NUM_PROOFS = 4
"""Pairs of trainings, on seeds that had no part in the choice, which measure the difference."""


def sweep(
    data: str,
    train_size: int,
    label_noise: float,
    width: int,
    epochs: int,
    seeds: int,
    seed: int,
) -> Iterator[Block]:
    """Train with several rates, choose one by validation, compare it with none on new seeds."""
    yield READING
    setting = Setting(load(data), train_size, label_noise, width, epochs)
    count = Count(epochs * (seeds * len(RATES) + 2 * NUM_PROOFS))
    trained: list[Trained] = []
    for each in range(seed, seed + seeds):
        for p in RATES:
            trained.append((yield from train_once(setting, p, each, count)))
            yield _nll_chart(trained)
            yield _accuracy_chart(trained)
    chosen = best_rate(trained)
    without: list[Trained] = []
    given: list[Trained] = []
    for each in range(seed + seeds, seed + seeds + NUM_PROOFS):
        without.append((yield from train_once(setting, 0.0, each, count)))
        given.append((yield from train_once(setting, chosen, each, count)))
    yield _proof_table(chosen, without, given)
    yield _gain(chosen, without, given)


def best_rate(trained: Sequence[Trained]) -> float:
    """Return the rate above 0 with the lowest mean validation NLL."""
    return min(RATES[1:], key=lambda p: sum(one.validation.nll for one in trained if one.p == p))


def _nll_chart(trained: Sequence[Trained]) -> Chart:
    last = trained[-1]
    return Chart(
        "Test negative log-likelihood against the drop probability",
        f"The latest of {len(trained)} trainings, p = {last.p:g} with seed {last.seed}, came to "
        f"{number(last.test.nll, 3)}. Lower is better.",
        "drop probability p",
        "nats per example",
        _against_rate([(one.p, one.seed, one.test.nll) for one in trained]),
        key="nll",
    )


def _accuracy_chart(trained: Sequence[Trained]) -> Chart:
    last = trained[-1]
    return Chart(
        "Test accuracy against the drop probability",
        f"The latest of {len(trained)} trainings, p = {last.p:g} with seed {last.seed}, came to "
        f"{percent(last.test.accuracy)}. Higher is better.",
        "drop probability p",
        "share right",
        _against_rate([(one.p, one.seed, one.test.accuracy) for one in trained]),
        key="accuracy",
    )


def _against_rate(found: Sequence[tuple[float, int, float]]) -> tuple[Series, ...]:
    """Return each seed's trainings as points, and their mean as a line."""
    rates = sorted({p for p, _, _ in found})
    means = []
    for rate in rates:
        values = [value for p, _, value in found if p == rate]
        means.append(round(sum(values) / len(values), 4))
    series = [Series("mean", tuple(rates), tuple(means))]
    for seed in sorted({seed for _, seed, _ in found}):
        own = [(p, round(value, 4)) for p, of_seed, value in found if of_seed == seed]
        x, y = zip(*own, strict=True)
        series.append(Series(f"seed {seed}", x, y, Drawn.POINTS))
    return tuple(series)


def _proof_table(chosen: float, without: Sequence[Trained], given: Sequence[Trained]) -> Table:
    return Table(
        f"p = {chosen:g}, chosen by validation, against none: {len(without)} new seeds. In "
        "brackets the 95% interval of the mean difference",
        ("", "p = 0", f"p = {chosen:g}", "difference", "what can be said"),
        comparison_rows(without, given),
        key="proof",
    )


def _gain(chosen: float, without: Sequence[Trained], given: Sequence[Trained]) -> Outcome:
    difference = accuracy_difference(without, given)
    verdict = judge(difference, higher_is_better=True)
    return Outcome(
        CHOICES[verdict],
        f"By validation p = {chosen:g} is the best rate above 0. On {len(without)} new seeds it "
        f"changes test accuracy by {points(difference)}: {WORDS[verdict]}.",
    )
