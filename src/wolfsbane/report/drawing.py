"""Charts as inline SVG whose colours are the page's CSS variables, so they follow its theme."""

import functools
import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wolfsbane.experiment.intervals import estimate
from wolfsbane.experiment.metrics import NUM_BINS, Reliability

P = ParamSpec("P")
R = TypeVar("R")

NUM_COLOURS = 8
"""Series colours that the page's style sheet defines: --series-0 and so on."""

# Colours that matplotlib is given and the page replaces: no chart uses them for themselves.
INK, PAPER = "#010203", "#040506"
SERIES = tuple(f"#0a0b{index:02x}" for index in range(NUM_COLOURS))
_VARIABLES = {INK: "var(--ink)", PAPER: "var(--paper)"} | {
    colour: f"var(--series-{index})" for index, colour in enumerate(SERIES)
}

_STYLE: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "font.size": 10,
    "grid.alpha": 0.15,
    "grid.color": INK,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "wolfsbane",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}

PANEL = (3.6, 2.5)
"""Size of a chart that others stand beside, in inches."""
WIDE = (5.4, 3.2)
"""Size of a chart that stands alone."""
PERCENT = 100


@dataclass(frozen=True)
class Chart:
    """An SVG element, and what it shows for those who cannot see it."""

    title: str
    svg: str
    description: str


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw in the page's style, and leave matplotlib's own settings alone."""

    @functools.wraps(draw)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return in_style


Band = tuple[list[float], list[float], list[float]]
"""Mean, low and high, one value an epoch."""


def band(curves: Sequence[Sequence[float]]) -> Band:
    """Return mean, low and high over the curves for each epoch that all of them have."""
    estimates = [estimate(values) for values in zip(*curves, strict=False)]
    mean = [one.mean for one in estimates]
    if len(curves) == 1:
        return mean, mean, mean
    return mean, [one.low for one in estimates], [one.high for one in estimates]


def curve_panels(bands: Mapping[str, Mapping[str, Band]], label: str) -> list[Chart]:
    """Return a panel for each name: its curves by part of the data, the last of them solid."""
    limits = _common_limits([one for parts in bands.values() for one in parts.values()])
    charts = []
    for index, (name, parts) in enumerate(bands.items()):
        figure, axes = new_figure(PANEL)
        for part, one in parts.items():
            style = "-" if part == list(parts)[-1] else "--"
            draw_band(axes, one, SERIES[index % NUM_COLOURS], style, part)
        axes.set(xlabel="epoch", ylabel=label, ylim=limits)
        axes.legend(loc="best")
        ends = ", ".join(f"{part} ends at {one[0][-1]:.3g}" for part, one in parts.items())
        charts.append(to_chart(figure, name, f"{label} of {name} over the epochs: {ends}"))
    return charts


def _common_limits(bands: Sequence[Band]) -> tuple[float, float]:
    """Return limits that show all means, and bands up to half the range of the means beyond."""
    bottom, top = min(min(mean) for mean, _, _ in bands), max(max(mean) for mean, _, _ in bands)
    span = top - bottom or 1.0
    lowest = max(min(min(low) for _, low, _ in bands), bottom - span / 2)
    highest = min(max(max(high) for _, _, high in bands), top + span / 2)
    return lowest - span / 20, highest + span / 20


def draw_band(axes: Axes, one: Band, colour: str, style: str, label: str) -> None:
    """Draw a curve over epochs with its band."""
    mean, low, high = one
    epochs = range(1, len(mean) + 1)
    marker = "o" if len(mean) == 1 else None
    fill = colour if style == "-" else "none"
    axes.plot(epochs, mean, color=colour, linestyle=style, label=label, marker=marker, mfc=fill)
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]))
    axes.fill_between(epochs, low, high, color=colour, alpha=0.18, linewidth=0)


def reliability_diagram(found: Sequence[Reliability], name: str, colour: str) -> Chart:
    """Return accuracy against confidence, all of `found` together."""
    figure, axes = new_figure(PANEL)
    axes.plot([0, 1], [0, 1], color=INK, linestyle=":", linewidth=1)
    points = []
    total = sum(sum(one.count) for one in found)
    for index in range(NUM_BINS):
        count = sum(one.count[index] for one in found)
        if count:
            confidence = sum(one.confidence[index] for one in found) / count
            correct = sum(one.correct[index] for one in found) / count
            points.append((confidence, correct, 8 + 300 * count / total))
    confidences, accuracies, areas = zip(*points, strict=True)
    axes.plot(confidences, accuracies, color=colour, linewidth=1)
    axes.scatter(confidences, accuracies, s=areas, color=colour, alpha=0.7, linewidths=0)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.05), ylim=(-0.02, 1.08))
    shown = ", ".join(f"{x:.2f}: {y:.2f}" for x, y in zip(confidences, accuracies, strict=True))
    return to_chart(figure, name, f"Accuracy at each confidence of {name}: {shown}")


def new_figure(size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return a transparent figure with one pair of axes."""
    figure = Figure(figsize=size, layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.grid(visible=True)
    return figure, axes


def to_chart(figure: Figure, title: str, description: str) -> Chart:
    """Return the figure as SVG: colours by the page's names, ids of its own, size by the page."""
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
