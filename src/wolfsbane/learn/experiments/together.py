"""Section 6: linear layer, batch norm, activation and dropout in one network, in some order."""

from collections.abc import Callable, Iterator

from torch import nn

from wolfsbane.experiment.comparison import Finding, Plan, find, make_plan, run
from wolfsbane.experiment.data import load
from wolfsbane.experiment.intervals import Verdict
from wolfsbane.experiment.measures import Epoch
from wolfsbane.experiment.training import Run
from wolfsbane.experiment.variants import make_variants
from wolfsbane.learn.blocks import Block, Cell, Chart, Drawn, Mark, Outcome, Progress, Series, Table
from wolfsbane.learn.experiments.figures import figure, percent
from wolfsbane.learn.experiments.tables import row

WIDTH = 64
HIDDEN_LAYERS = 2
TRAIN_SIZE = 500
SHOWN = {
    "accuracy": ("Test accuracy", "share of test examples answered rightly"),
    "nll": ("Negative log-likelihood", "nats per test example"),
}
"""Measures by name: the chart's title, and its axis."""
PIECES = {"norm": "batch norm", "act": "ReLU", "drop": "dropout"}


def build(order: str, inputs: int, num_classes: int, p: float) -> nn.Sequential:
    """Return an MLP whose hidden layers are a linear one and the pieces of `order`."""
    make: dict[str, Callable[[], nn.Module]] = {
        "norm": lambda: nn.BatchNorm1d(WIDTH),
        "act": nn.ReLU,
        "drop": lambda: nn.Dropout(p),
    }
    modules: list[nn.Module] = []
    for _ in range(HIDDEN_LAYERS):
        modules += [nn.Linear(inputs, WIDTH), *(make[piece]() for piece in order.split("-"))]
        inputs = WIDTH
    return nn.Sequential(*modules, nn.Linear(WIDTH, num_classes))


def words(order: str) -> str:
    """Return an order as it is read: batch norm, ReLU, dropout."""
    return ", ".join(PIECES[piece] for piece in order.split("-"))


def compare_orders(
    data: str, first: str, second: str, measure: str, p: float, seeds: int, epochs: int
) -> Iterator[Block]:
    """Train both orders under the same seeds, and say what the paired difference allows."""
    names = (f"1: {words(first)}", f"2: {words(second)}")
    pool = load(data)
    inputs, num_classes = pool.examples.x.shape[1], len(pool.classes)
    yield Progress(0, 2 * seeds, "reading the data")
    plan = make_plan(
        pool,
        make_variants(
            {
                names[0]: lambda: build(first, inputs, num_classes, p),
                names[1]: lambda: build(second, inputs, num_classes, p),
            }
        ),
        seeds,
        epochs,
        TRAIN_SIZE,
    )
    runs: list[Run] = []
    for done in run(plan, lambda _: None):
        runs.append(done)
        yield _runs_chart(plan, runs, measure)
        yield Progress(len(runs), plan.num_trainings, f"{done.variant}, seed {done.seed}")
    findings = [each for each in find(plan, runs) if each.epoch is Epoch.LAST]
    yield _findings_table(findings, names)
    yield _verdict(findings, names[1], measure)


def _runs_chart(plan: Plan, runs: list[Run], measure: str) -> Chart:
    label, ends = SHOWN[measure]
    series = []
    for variant in plan.variants:
        own = [each for each in runs if each.variant == variant.name]
        seeds = tuple(float(each.seed) for each in own)
        values = tuple(each.curves[f"test_{measure}"][-1] for each in own)
        series.append(Series(variant.name, seeds, values, Drawn.POINTS))
    return Chart(
        f"{label} of each training",
        "One point for each order and seed; both orders of a seed have the same initial weights, "
        "training examples and batches.",
        "seed",
        ends,
        tuple(series),
        key="runs",
    )


def _findings_table(findings: list[Finding], names: tuple[str, str]) -> Table:
    rows = []
    for measure in ("accuracy", "nll", "gap"):
        one, two = (
            next(each for each in findings if (each.variant, each.measure.name) == (name, measure))
            for name in names
        )
        assert one.estimate is not None
        assert two.estimate is not None
        assert two.difference is not None
        assert two.verdict is not None
        write = percent if one.measure.is_share else figure
        interval = f"{write(two.difference.low)} to {write(two.difference.high)}"
        mark = {Verdict.GAIN: Mark.BETTER, Verdict.HARM: Mark.WORSE}.get(two.verdict, Mark.NONE)
        rows.append(
            row(
                one.measure.label,
                (
                    write(one.estimate.mean),
                    write(two.estimate.mean),
                    write(two.difference.mean),
                    Cell(interval, mark),
                ),
            )
        )
    return Table(
        "Means over the seeds, and the paired difference, second order less first, with its 95% "
        "interval",
        ("", "first order", "second order", "difference", "interval"),
        tuple(rows),
    )


def _verdict(findings: list[Finding], second: str, measure: str) -> Outcome:
    found = next(
        each for each in findings if (each.variant, each.measure.name) == (second, measure)
    )
    assert found.difference is not None
    assert found.verdict is not None
    choice = {Verdict.HARM: 0, Verdict.NOTHING: 1, Verdict.GAIN: 2}[found.verdict]
    size, unit = (100, " points") if found.measure.is_share else (1, "")
    mean, low, high = (
        f"{size * value:+.3f}{unit}"
        for value in (found.difference.mean, found.difference.low, found.difference.high)
    )
    better = "higher" if found.measure.higher_is_better else "lower"
    return Outcome(
        choice,
        f"Second order less first, {found.measure.label} ({better} is better): {mean} over "
        f"{found.difference.num_seeds} seeds, with a 95% interval from {low} to {high}.",
    )
