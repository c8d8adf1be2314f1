"""A comparison's charts: curves, gap and reliability of every variant."""

from collections.abc import Callable, Sequence

from wolfsbane.experiment.training import Measurement, Run
from wolfsbane.report import drawing
from wolfsbane.report.drawing import NUM_COLOURS, PERCENT, SERIES, WIDE, Band, Chart, styled

_LINE_STYLES = ("-", "--", ":", "-.")
"""For variants beyond the number of colours."""

Curve = Callable[[Measurement], float]


@styled
def loss_curves(runs: Sequence[Run], names: Sequence[str]) -> list[Chart]:
    """Return a panel for each variant: NLL in training and test, over epochs."""
    return _curve_panels(
        runs, names, "NLL (nats)", lambda m: m.train.nll, lambda m: m.test.nll, scale=1
    )


@styled
def accuracy_curves(runs: Sequence[Run], names: Sequence[str]) -> list[Chart]:
    """Return a panel for each variant: accuracy in training and test, over epochs."""
    return _curve_panels(
        runs,
        names,
        "accuracy (%)",
        lambda m: m.train.accuracy,
        lambda m: m.test.accuracy,
        scale=PERCENT,
    )


def _curve_panels(
    runs: Sequence[Run], names: Sequence[str], label: str, train: Curve, test: Curve, scale: float
) -> list[Chart]:
    bands = {
        name: {
            "training": _band(runs, name, train, scale),
            "test": _band(runs, name, test, scale),
        }
        for name in names
    }
    return drawing.curve_panels(bands, label)


@styled
def gap_curves(runs: Sequence[Run], names: Sequence[str]) -> Chart:
    """Return the generalisation gap of all variants over epochs."""
    figure, axes = drawing.new_figure(WIDE)
    ends = []
    for index, name in enumerate(names):
        band = _band(runs, name, lambda m: m.train.accuracy - m.test.accuracy, PERCENT)
        style = _LINE_STYLES[index // NUM_COLOURS % len(_LINE_STYLES)]
        drawing.draw_band(axes, band, SERIES[index % NUM_COLOURS], style, name)
        ends.append(f"{name} {band[0][-1]:.1f}")
    axes.set(xlabel="epoch", ylabel="training minus test\naccuracy (points)")
    for text in axes.legend(loc="best").get_texts():
        text.set_parse_math(False)
    return drawing.to_chart(
        figure, "", f"Generalisation gap in points, last epoch: {', '.join(ends)}"
    )


@styled
def reliability_diagrams(runs: Sequence[Run], names: Sequence[str]) -> list[Chart]:
    """Return a panel for each variant: accuracy against confidence, all seeds together."""
    return [
        drawing.reliability_diagram(
            [run.reliability for run in runs if run.variant == name],
            name,
            SERIES[index % NUM_COLOURS],
        )
        for index, name in enumerate(names)
    ]


def _band(runs: Sequence[Run], name: str, curve: Curve, scale: float) -> Band:
    return drawing.band(
        [[curve(m) * scale for m in run.curve] for run in runs if run.variant == name]
    )
