"""The objective against a rate in plain text: a row a rate, with its band."""

import math
from collections.abc import Sequence

from rich.text import Text

from wolfsbane.report.tuning.view import View
from wolfsbane.tuning.answer import BandPoint, RateRange
from wolfsbane.tuning.trial import Purpose

MOST_ROWS = 10
"""About as many rates are shown; the chosen one always."""

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
    shown = thinned(one, band)
    low = min(point.low for point in shown)
    high = max(point.high for point in shown)
    # A band where nothing was trained may be wide: the means have to be told apart.
    means = [point.mean for point in shown]
    span = max(means) - min(means) or high - low or 1.0
    low, high = max(low, min(means) - span / 2), min(high, max(means) + span / 2)
    scale = (columns - 1) / (high - low or 1.0)
    epoch = view.epoch_name(view.setting.objective.epoch)
    text = Text(f"validation {view.label} {epoch}, and its 95% band\n", style="bold")
    text.append(f"{one.name[:8]:>8}  {view.label[:8]:>8}", style="dim")
    text.append(
        f"  {low:<{columns // 2}.3f}{high:>{columns - columns // 2}.3f} trainings", style="dim"
    )
    for point in shown:
        text.append("\n")
        text.append_text(_row(view, one, point, (low, scale, columns)))
    return text


def thinned(one: RateRange, band: Sequence[BandPoint]) -> list[BandPoint]:
    """Return about `MOST_ROWS` points, evenly spread, the ends and the chosen rate among them."""
    step = max(1, math.ceil((len(band) - 1) / MOST_ROWS))
    return [
        point
        for index, point in enumerate(band)
        if index % step == 0
        or index == len(band) - 1
        or point.configuration.as_dict()[one.name] == one.rate
    ]


def _row(view: View, one: RateRange, point: BandPoint, axis: tuple[float, float, int]) -> Text:
    low, scale, columns = axis
    left, middle, right = (
        min(columns - 1, max(0, round((value - low) * scale)))
        for value in (point.low, point.mean, point.high)
    )
    drawn = "".join(
        "●" if at == middle else "─" if left <= at <= right else " " for at in range(columns)
    )
    rate = point.configuration.as_dict()[one.name]
    is_chosen = rate == one.rate
    text = Text(f"{rate:>8.4g}  {point.mean:>8.3f}  ", style="bold" if is_chosen else "")
    text.append(drawn, style="bold green" if is_chosen else "")
    made = sum(
        training.request.configuration.as_dict()[one.name] == rate
        for training in view.of(Purpose.SEARCH)
    )
    text.append(f" {made or '':>2}" + (" chosen" if is_chosen else ""))
    return text
