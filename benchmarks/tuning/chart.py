"""NLL against the rate on all problems, and below it what every tuner chose."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

SHOWN = (
    "wolfsbane",
    "Optuna TPE",
    "Optuna TPE + MedianPruner",
    "random search",
    "Concrete dropout",
)
COLOURS = ("#8b1e8f", "#1b7fb8", "#2a9d6e", "#888888", "#d1712b")
INK = "#222222"
COLUMNS = 4
DOTS = 90
"""An inch."""

LARGEST_DOT = 60
"""Area, in points squared, of the dot of a rate that a tuner always chose."""


def draw(record: dict[str, Any], path: Path) -> None:
    """Write the chart of a record as PNG."""
    grid = [row for row in record["grid"] if row["metric"] == "nll"]
    number = len(grid) // COLUMNS + 1  # the last panel is for the legend
    with mpl.rc_context({"font.size": 8, "axes.titlesize": 9}):
        figure = Figure(figsize=(3 * COLUMNS, 2.5 * number), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(number, COLUMNS).ravel()
        for axes, row in zip(panels, grid, strict=False):
            _panel(axes, row, record)
        for axes in panels[len(grid) :]:
            axes.set_axis_off()
        handles = [
            mpl.lines.Line2D([], [], marker="o", linestyle="", color=colour, label=name)
            for name, colour in zip(SHOWN, COLOURS, strict=True)
        ]
        panels[-1].legend(handles=handles, loc="center", frameon=False)
        figure.savefig(path, format="png", dpi=DOTS)


def _panel(axes: Axes, row: dict[str, Any], record: dict[str, Any]) -> None:
    rates, mean, error = record["settings"]["rates"], row["mean"], row["error"]
    axes.errorbar(rates, mean, error, color=INK, linewidth=1.2, capsize=2)
    low, high = min(mean), max(mean)
    step = 0.12 * (high - low)
    for place, (name, colour) in enumerate(zip(SHOWN, COLOURS, strict=True), 1):
        chosen = _chosen(record, row["problem"], name)
        runs = sum(chosen)
        areas = [LARGEST_DOT * count / max(1, runs) for count in chosen]
        axes.scatter(rates, [low - place * step] * len(rates), areas, color=colour)
    axes.set_title(row["problem"])
    axes.set_xlabel("drop rate")
    axes.set_ylabel("test NLL")
    axes.spines[["top", "right"]].set_visible(False)


def _chosen(record: dict[str, Any], problem: str, tuner: str) -> list[int]:
    key = (problem, "nll", tuner)
    return next(
        row["chosen"]
        for row in record["replay"]
        if (row["problem"], row["metric"], row["tuner"]) == key
    )
