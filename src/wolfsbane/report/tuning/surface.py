"""The objective against each rate: the surrogate's band, and every training as a point."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from wolfsbane.report import drawing
from wolfsbane.report.drawing import SERIES, Chart, styled
from wolfsbane.report.tuning.axis import axis_limits
from wolfsbane.report.tuning.view import View, scale_of, unit_of
from wolfsbane.report.tuning.words import other_dimensions
from wolfsbane.tuning.answer import BandPoint, RateRange
from wolfsbane.tuning.trial import Purpose

_SIZE = (4.6, 3.0)
"""In inches: letters are still read on a phone."""


@dataclass(frozen=True)
class Point:
    """A training in the chart of one rate.

    Attributes:
        rate: in this dimension.
        value: the objective on validation data.
        purpose: decides the mark.
        fits: whether the other dimensions are as in the chosen configuration.
    """

    rate: float
    value: float
    purpose: Purpose
    fits: bool


@styled
def charts(view: View) -> list[Chart]:
    """Return a chart for each rate of the space."""
    bands = list(view.answer.band) + [()] * len(view.space.rates)
    ranges = {one.name: one for one in view.answer.ranges}
    return [
        _chart(view, name, ranges.get(name), band)
        for name, band in zip(view.space.rates, bands, strict=False)
        if view.trainings
    ]


def _chart(view: View, name: str, found: RateRange | None, band: Sequence[BandPoint]) -> Chart:
    metric = view.setting.objective.name
    scale = scale_of(metric)
    points = _points(view, name, scale)
    figure, axes = drawing.new_figure(_SIZE)
    if found is not None:
        axes.axvspan(found.low, found.high, color=SERIES[1], alpha=0.08, linewidth=0)
        axes.axvline(found.rate, color=SERIES[1], linewidth=1, linestyle=":")
    curve = _draw_band(axes, name, band, scale)
    limits = axis_limits(
        [*[point.value for point in points], *curve],
        [value * scale for value in view.baseline_values],
        higher_is_better=view.setting.objective.higher_is_better,
    )
    beyond = _draw_points(axes, points, limits)
    axes.set(
        xlabel=name,
        ylabel=f"validation {view.label}{unit_of(metric)}",
        ylim=limits,
        xlim=_x_limits(points),
    )
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best", fontsize=9)
    title = _title(view, name, found)
    return drawing.to_chart(
        figure, title + beyond, _describe(view, name, found, band, points) + beyond
    )


def _points(view: View, name: str, scale: float) -> list[Point]:
    others = other_dimensions(view, name).as_dict()
    points = []
    for one in view.trainings:
        values = one.request.configuration.as_dict()
        if one.request.purpose is not Purpose.COMPLEXITY:
            points.append(
                Point(
                    rate=float(values[name]),  # type: ignore[arg-type]  # a rate is a number
                    value=one.outcome.score("validation", view.setting.objective) * scale,
                    purpose=one.request.purpose,
                    fits=all(values[other] == value for other, value in others.items()),
                )
            )
    return points


def _x_limits(points: Sequence[Point]) -> tuple[float, float]:
    return -0.03, max([point.rate for point in points] + [0.1]) + 0.03


def _draw_band(axes: Axes, name: str, band: Sequence[BandPoint], scale: float) -> list[float]:
    """Draw the surrogate, and return its means."""
    if not band:
        return []
    rates = [float(point.configuration.as_dict()[name]) for point in band]  # type: ignore[arg-type]  # a rate
    means = [point.mean * scale for point in band]
    low, high = (
        [end * scale for end in ends] for ends in zip(*((p.low, p.high) for p in band), strict=True)
    )
    axes.plot(rates, means, color=SERIES[1], label="as estimated, with 95% band")
    axes.fill_between(rates, low, high, color=SERIES[1], alpha=0.18, linewidth=0)
    return means


_MARKS = (
    (Purpose.SEARCH, True, "o", SERIES[2], "search"),
    (Purpose.SEARCH, False, "o", SERIES[0], "search, otherwise configured"),
    (Purpose.PROOF, True, "D", SERIES[3], "proof"),
    (Purpose.PROOF, False, "D", SERIES[3], "proof"),
)
"""How trainings look: purpose, fits, marker, colour, label."""


def _draw_points(axes: Axes, points: Sequence[Point], limits: tuple[float, float]) -> str:
    """Draw the trainings, those beyond the axis at its edge, and say how many these are."""
    low, high = limits
    labelled: set[str] = set()
    for purpose, fits, marker, colour, label in _MARKS:
        mine = [point for point in points if (point.purpose, point.fits) == (purpose, fits)]
        inside = [point for point in mine if low <= point.value <= high]
        above = [point for point in mine if point.value > high]
        below = [point for point in mine if point.value < low]
        shown = None if label in labelled else label
        face = "none" if purpose is Purpose.PROOF else colour
        for found, mark in ((inside, marker), (above, "^"), (below, "v")):
            if found:
                axes.scatter(
                    [point.rate for point in found],
                    [min(max(point.value, low), high) for point in found],
                    s=22,
                    marker=mark,
                    facecolors=face,
                    edgecolors=colour,
                    linewidths=1,
                    alpha=0.85 if fits else 0.4,
                    label=shown,
                    clip_on=False,
                    zorder=3,
                )
                labelled.add(label)
                shown = None
    beyond = [point.value for point in points if not low <= point.value <= high]
    if not beyond:
        return ""
    furthest = max(beyond, key=lambda value: abs(value - (low + high) / 2))
    trainings = "training is" if len(beyond) == 1 else "trainings are"
    return f"; {len(beyond)} {trainings} beyond the axis, as far as {furthest:.3g}"


def _title(view: View, name: str, found: RateRange | None) -> str:
    chosen = f"{name}={found.rate:g} chosen" if found else name
    if found and found.low != found.high:
        chosen += f", {found.low:g} to {found.high:g} as good"
    others = other_dimensions(view, name)
    return f"{chosen} (at {others})" if others.values else chosen


def _describe(
    view: View,
    name: str,
    found: RateRange | None,
    band: Sequence[BandPoint],
    points: Sequence[Point],
) -> str:
    counts = ", ".join(
        f"{number} {purpose} trainings"
        for purpose in (Purpose.SEARCH, Purpose.PROOF)
        if (number := sum(point.purpose is purpose for point in points))
    )
    shown = [
        f"{point.mean:.3g} at {point.configuration.as_dict()[name]:g}"
        for index, point in enumerate(band)
        if index % max(1, len(band) // 6) == 0
        or (found and point.configuration.as_dict()[name] == found.rate)
    ]
    estimated = f"; as estimated {', '.join(shown)}" if shown else ""
    return (
        f"Validation {view.label} against {name}: {_title(view, name, found)}; {counts}{estimated}"
    )
