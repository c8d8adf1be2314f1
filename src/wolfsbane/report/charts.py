"""Charts as inline SVG whose colours are the page's CSS variables, so they follow its theme."""

import functools
import hashlib
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wolfsbane.experiment.intervals import estimate
from wolfsbane.experiment.metrics import NUM_BINS
from wolfsbane.experiment.training import Measurement, Run

P = ParamSpec("P")
R = TypeVar("R")

NUM_COLOURS = 8
"""Series colours that the page's style sheet defines: --series-0 and so on."""

# Colours that matplotlib is given and the page replaces: no chart uses them for themselves.
_INK, _PAPER = "#010203", "#040506"
_SERIES = tuple(f"#0a0b{index:02x}" for index in range(NUM_COLOURS))
_VARIABLES = {_INK: "var(--ink)", _PAPER: "var(--paper)"} | {
    colour: f"var(--series-{index})" for index, colour in enumerate(_SERIES)
}

_STYLE: dict[Any, Any] = {
    "axes.edgecolor": _INK,
    "axes.facecolor": "none",
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": _INK,
    "axes.titlesize": 11,
    "font.size": 10,
    "grid.alpha": 0.15,
    "grid.color": _INK,
    "legend.frameon": False,
    "legend.labelcolor": _INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "wolfsbane",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}

_LINE_STYLES = ("-", "--", ":", "-.")
"""For variants beyond the number of colours."""

_PANEL = (3.6, 2.5)
_WIDE = (5.4, 3.2)
_PERCENT = 100


@dataclass(frozen=True)
class Chart:
    """An SVG element, and what it shows for those who cannot see it."""

    title: str
    svg: str
    description: str


Curve = Callable[[Measurement], float]


def _styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw in the page's style, and leave matplotlib's own settings alone."""

    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return styled


@_styled
def loss_curves(runs: Sequence[Run], names: Sequence[str]) -> list[Chart]:
    """Return a panel for each variant: NLL in training and test, over epochs."""
    return _curve_panels(
        runs, names, "NLL (nats)", lambda m: m.train.nll, lambda m: m.test.nll, scale=1
    )


@_styled
def accuracy_curves(runs: Sequence[Run], names: Sequence[str]) -> list[Chart]:
    """Return a panel for each variant: accuracy in training and test, over epochs."""
    return _curve_panels(
        runs,
        names,
        "accuracy (%)",
        lambda m: m.train.accuracy,
        lambda m: m.test.accuracy,
        scale=_PERCENT,
    )


def _curve_panels(
    runs: Sequence[Run], names: Sequence[str], label: str, train: Curve, test: Curve, scale: float
) -> list[Chart]:
    bands = {
        name: (_band(runs, name, train, scale), _band(runs, name, test, scale)) for name in names
    }
    limits = _common_limits([band for pair in bands.values() for band in pair])
    charts = []
    for index, name in enumerate(names):
        figure, axes = _figure(_PANEL)
        for band, style, what in zip(bands[name], ("--", "-"), ("training", "test"), strict=True):
            _draw_band(axes, band, _SERIES[index % NUM_COLOURS], style, what)
        axes.set(xlabel="epoch", ylabel=label, ylim=limits)
        axes.legend(loc="best")
        ends = ", ".join(
            f"{what} ends at {band[0][-1]:.3g}"
            for what, band in zip(("training", "test"), bands[name], strict=True)
        )
        charts.append(_chart(figure, name, f"{label} of {name} over the epochs: {ends}"))
    return charts


@_styled
def gap_curves(runs: Sequence[Run], names: Sequence[str]) -> Chart:
    """Return the generalisation gap of all variants over epochs."""
    figure, axes = _figure(_WIDE)
    ends = []
    for index, name in enumerate(names):
        band = _band(runs, name, lambda m: m.train.accuracy - m.test.accuracy, _PERCENT)
        style = _LINE_STYLES[index // NUM_COLOURS % len(_LINE_STYLES)]
        _draw_band(axes, band, _SERIES[index % NUM_COLOURS], style, name)
        ends.append(f"{name} {band[0][-1]:.1f}")
    axes.set(xlabel="epoch", ylabel="training minus test\naccuracy (points)")
    for text in axes.legend(loc="best").get_texts():
        text.set_parse_math(False)
    return _chart(figure, "", f"Generalisation gap in points, last epoch: {', '.join(ends)}")


@_styled
def reliability_diagrams(runs: Sequence[Run], names: Sequence[str]) -> list[Chart]:
    """Return a panel for each variant: accuracy against confidence, all seeds together."""
    return [
        _reliability_diagram(
            [run for run in runs if run.variant == name], name, _SERIES[index % NUM_COLOURS]
        )
        for index, name in enumerate(names)
    ]


def _reliability_diagram(runs: Sequence[Run], name: str, colour: str) -> Chart:
    figure, axes = _figure(_PANEL)
    axes.plot([0, 1], [0, 1], color=_INK, linestyle=":", linewidth=1)
    points = []
    total = sum(sum(run.reliability.count) for run in runs)
    for index in range(NUM_BINS):
        count = sum(run.reliability.count[index] for run in runs)
        if count:
            confidence = sum(run.reliability.confidence[index] for run in runs) / count
            correct = sum(run.reliability.correct[index] for run in runs) / count
            points.append((confidence, correct, 8 + 300 * count / total))
    confidences, accuracies, areas = zip(*points, strict=True)
    axes.plot(confidences, accuracies, color=colour, linewidth=1)
    axes.scatter(confidences, accuracies, s=areas, color=colour, alpha=0.7, linewidths=0)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.05), ylim=(-0.02, 1.08))
    shown = ", ".join(f"{x:.2f}: {y:.2f}" for x, y in zip(confidences, accuracies, strict=True))
    return _chart(figure, name, f"Accuracy at each confidence of {name}: {shown}")


Band = tuple[list[float], list[float], list[float]]


def _band(runs: Sequence[Run], name: str, curve: Curve, scale: float) -> Band:
    """Return mean, low and high over the seeds for each epoch that all of them have."""
    curves = [[curve(m) * scale for m in run.curve] for run in runs if run.variant == name]
    estimates = [estimate(values) for values in zip(*curves, strict=False)]
    mean = [one.mean for one in estimates]
    if len(curves) == 1:
        return mean, mean, mean
    return mean, [one.low for one in estimates], [one.high for one in estimates]


def _common_limits(bands: Sequence[Band]) -> tuple[float, float]:
    """Return limits that show all means, and bands up to half the range of the means beyond."""
    bottom, top = min(min(mean) for mean, _, _ in bands), max(max(mean) for mean, _, _ in bands)
    span = top - bottom or 1.0
    lowest = max(min(min(low) for _, low, _ in bands), bottom - span / 2)
    highest = min(max(max(high) for _, _, high in bands), top + span / 2)
    return lowest - span / 20, highest + span / 20


def _draw_band(axes: Axes, band: Band, colour: str, style: str, label: str) -> None:
    mean, low, high = band
    epochs = range(1, len(mean) + 1)
    marker = "o" if len(mean) == 1 else None
    fill = colour if style == "-" else "none"
    axes.plot(epochs, mean, color=colour, linestyle=style, label=label, marker=marker, mfc=fill)
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]))
    axes.fill_between(epochs, low, high, color=colour, alpha=0.18, linewidth=0)


def _figure(size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.grid(visible=True)
    return figure, axes


def _chart(figure: Figure, title: str, description: str) -> Chart:
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Sizes come from the style sheet; the viewBox keeps the proportions.
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    return Chart(title, _with_own_ids(svg), description)


def _with_own_ids(svg: str) -> str:
    """Return the SVG with ids that no other chart of the page has."""
    prefix = f"c{hashlib.sha256(svg.encode()).hexdigest()[:8]}-"
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    return re.sub(r"(url\(#|href=\"#)", rf"\g<1>{prefix}", svg)
