"""Numbers as the lesson writes them, and the rows of its tables."""

from collections.abc import Iterable

from wolfsbane.learn.blocks import Cell, Mark


def number(value: float, places: int = 2) -> str:
    """Return a number with so many places, and no minus sign before zeros."""
    return f"{round(value, places) + 0.0:.{places}f}"


def row(name: str, values: Iterable[float | str | Cell]) -> tuple[Cell, ...]:
    """Return a table's row: its name, then numbers with two places, text, or cells as they are."""
    return (Cell(name), *(_cell(value) for value in values))


def marked(values: Iterable[float], marks: Iterable[Mark]) -> tuple[Cell, ...]:
    """Return numbers with two places, each with its mark."""
    return tuple(Cell(number(value), mark) for value, mark in zip(values, marks, strict=True))


def _cell(value: float | str | Cell) -> Cell:
    if isinstance(value, Cell):
        return value
    return Cell(value if isinstance(value, str) else number(value))
