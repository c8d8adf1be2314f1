"""What has become of a network's layers: dead units and running statistics, in a table."""

from collections.abc import Iterator

from torch import Tensor

from wolfsbane.learn.blocks import Cell, Mark, Table
from wolfsbane.learn.playground.building import Built
from wolfsbane.learn.playground.looking import Passed, look
from wolfsbane.learn.playground.setup import Setup
from wolfsbane.learn.playground.tables import number


def states(built: Built, setup: Setup) -> Table:
    """Return, for each activation and batch norm, what it is in, seen on all training examples."""
    x, _ = built.train_data
    seen = look(built.model, x, training=False, seed=setup.seed)
    return Table(
        f"The layers in evaluation mode, over all {len(x)} training examples",
        ("layer", "units without gradient", "running mean, from to", "running variance, from to"),
        tuple(row for passed in seen.layers for row in _rows(passed)),
        "states",
    )


def _rows(passed: Passed) -> Iterator[tuple[Cell, ...]]:
    for inactive, mark in ((passed.dead, Mark.DEAD), (passed.saturated, Mark.SATURATED)):
        if inactive is not None:
            found = int(inactive.sum())
            text = f"{found} of {len(inactive)} {mark.value}"
            cell = Cell(text, mark if found else Mark.NONE)
            yield (Cell(passed.title), cell, Cell(""), Cell(""))
    if passed.running is not None:
        mean, variance = passed.running[2:]
        yield (Cell(passed.title), Cell(""), Cell(_range(mean)), Cell(_range(variance)))


def _range(values: Tensor) -> str:
    return f"{number(float(values.min()))} to {number(float(values.max()))}"
