"""The objective against a rate in plain text: a row a rate, with its band."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.text import Text

from wolfsbane.report.tuning.axis import axis_limits
from wolfsbane.report.tuning.view import View, amount, unit_of
from wolfsbane.tuning.answer import BandPoint, RateRange
from wolfsbane.tuning.dimensions import Value
from wolfsbane.tuning.trial import Purpose

MOST_ROWS = 10
"""About as many rates are shown, and all that were trained or chosen."""

WIDEST = 40
NARROWEST = 16
"""Columns of the plot itself."""

_BESIDE = 32
"""Columns of the numbers beside the plot."""


def plots(view: View, width: int) -> list[Text]:
    """Return a plot for each rate that has a band, for a terminal of `width` columns."""
    columns = min(WIDEST, width - _BESIDE)
    if columns < NARROWEST:
        return []
    pairs = zip(view.answer.ranges, view.answer.band, strict=False)
    return [_plot(view, one, band, columns) for one, band in pairs if len(band) > 1]


def _plot(view: View, one: RateRange, band: Sequence[BandPoint], columns: int) -> Text:
    made = _made(view, one.name)
    shown = thinned(one, band, made)
    low, high = axis_limits(
        [point.mean for point in shown],
        view.baseline_values,
        higher_is_better=view.setting.objective.higher_is_better,
    )
    scale = (columns - 1) / (high - low or 1.0)
    metric = view.setting.objective.name
    ends = amount(metric, low), amount(metric, high)
    epoch = view.epoch_name(view.setting.objective.epoch)
    text = Text(
        f"validation {view.label}{unit_of(metric)} {epoch}, and its 95% band\n", style="bold"
    )
    text.append(f"{one.name[:8]:>8}  {view.label[:8]:>8}", style="dim")
    text.append(
        f"  {ends[0]:<{columns // 2}}{ends[1]:>{columns - columns // 2}} trainings", style="dim"
    )
    for point in shown:
        text.append("\n")
        text.append_text(_row(one, point, (low, scale, columns), made, metric))
    return text


def _made(view: View, name: str) -> Counter[Value]:
    """Return how many trainings of the search there are at each rate."""
    search = view.of(Purpose.SEARCH)
    return Counter(training.request.configuration.as_dict()[name] for training in search)


def thinned(
    one: RateRange, band: Sequence[BandPoint], made: Mapping[Value, int]
) -> list[BandPoint]:
    """Return about `MOST_ROWS` points, evenly spread, and those that were trained or chosen."""
    step = max(1, math.ceil((len(band) - 1) / MOST_ROWS))
    return [
        point
        for index, point in enumerate(band)
        if index % step == 0
        or index == len(band) - 1
        or point.configuration.as_dict()[one.name] in {*made, one.rate}
    ]


def _row(
    one: RateRange,
    point: BandPoint,
    axis: tuple[float, float, int],
    made: Mapping[Value, int],
    metric: str,
) -> Text:
    low, scale, columns = axis
    left, middle, right = (
        round((value - low) * scale) for value in (point.low, point.mean, point.high)
    )
    drawn = "".join(
        "●" if at == middle else "─" if left <= at <= right else " " for at in range(columns)
    )
    if not 0 <= middle < columns:
        drawn = f"{drawn[:-1]}>" if middle > 0 else f"<{drawn[1:]}"
    rate = point.configuration.as_dict()[one.name]
    is_chosen = rate == one.rate
    text = Text(
        f"{rate:>8.4g}  {amount(metric, point.mean):>8}  ", style="bold" if is_chosen else ""
    )
    text.append(drawn, style="bold green" if is_chosen else "")
    text.append(f" {made.get(rate) or '':>2}" + (" chosen" if is_chosen else ""))
    return text
