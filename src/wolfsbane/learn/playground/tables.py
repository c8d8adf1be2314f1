"""A look at a network as tables: values, masks, statistics, dead units; a pair for each layer."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from wolfsbane.learn.blocks import Cell, Mark, Table
from wolfsbane.learn.experiments.figures import figure, percent
from wolfsbane.learn.playground.looking import Look, Passed

MOST_EXAMPLES, MOST_UNITS = 4, 6
"""Shown of a batch and of a layer: what fits beside one another."""

MODES = ("train", "eval")


NEAR_ZERO = 1e-5
"""Below this a mean is 0 but for rounding, and is 0.000. A plain 0 is exact: dropped, or dead."""


def number(value: float) -> str:
    """Return a number as tables show it: three significant digits."""
    if value == 0:
        return "0"
    return "0.000" if abs(value) < NEAR_ZERO else figure(value)


def table_of(passed: Passed, mode: str, key: str) -> Table:
    """Return what a layer did in one mode: examples in rows, units in columns."""
    num_units = passed.returned.shape[1]
    shown = min(MOST_UNITS, num_units)
    units = f"first {shown} of {num_units} units" if shown < num_units else f"{num_units} units"
    return Table(
        f"{passed.title}, {mode} mode ({units})",
        ("of the batch", *(f"unit {unit}" for unit in range(1, shown + 1))),
        tuple(_rows(passed)),
        key,
    )


def overview(looks: Sequence[Look]) -> Table:
    """Return mean, variance and share of zeros that each layer returns, in both modes."""
    rows = []
    for number_, (train, evaluation) in enumerate(_pairs(looks), start=1):
        both = (train.returned, evaluation.returned)
        figures = [
            *(number(float(each.mean())) for each in both),
            *(number(float(each.var(correction=0))) for each in both),
            *(percent(float((each == 0).float().mean())) for each in both),
        ]
        cells = [Cell(figure) for figure in figures]
        rows.append((Cell(f"{number_}. {train.title}"), *cells, _inactive(evaluation)))
    heads = (f"{what}, {mode}" for what in ("mean", "variance", "zeros") for mode in MODES)
    return Table(
        "What each layer returns, over all units and examples of the batch",
        ("layer", *heads, "units without gradient, eval"),
        tuple(rows),
        "overview",
    )


def layer_tables(looks: Sequence[Look]) -> Iterator[Table]:
    """Yield a pair of tables for each layer: in training mode, in evaluation mode."""
    for index, pair in enumerate(_pairs(looks), start=1):
        for passed, mode in zip(pair, MODES, strict=True):
            yield table_of(passed, mode, f"layer-{index}-{mode}")


def _pairs(looks: Sequence[Look]) -> Iterator[tuple[Passed, Passed]]:
    train, evaluation = looks
    yield from zip(train.layers, evaluation.layers, strict=True)


def _inactive(passed: Passed) -> Cell:
    """Return how many units let no gradient pass, where a layer can have such."""
    if passed.dead is not None:
        number_dead = int(passed.dead.sum())
        text = f"{number_dead} of {len(passed.dead)} dead"
        return Cell(text, Mark.DEAD if number_dead else Mark.NONE)
    if passed.saturated is not None:
        number_saturated = int(passed.saturated.sum())
        text = f"{number_saturated} of {len(passed.saturated)} saturated"
        return Cell(text, Mark.SATURATED if number_saturated else Mark.NONE)
    return Cell("")


def _rows(passed: Passed) -> Iterator[tuple[Cell, ...]]:
    examples = range(min(MOST_EXAMPLES, len(passed.returned)))
    mask = passed.mask
    for example in examples if mask is not None else ():
        assert mask is not None
        marks = [Mark.KEPT if kept else Mark.DROPPED for kept in mask[example].tolist()]
        yield _row(f"mask, example {example + 1}", mask[example], marks)
    for example in examples:
        marks = []
        if mask is not None:
            marks = [Mark.NONE if kept else Mark.DROPPED for kept in mask[example].tolist()]
        yield _row(f"example {example + 1}", passed.returned[example], marks)
    yield from _statistics(passed)
    yield from _states(passed)


def _statistics(passed: Passed) -> Iterator[tuple[Cell, ...]]:
    if passed.running is not None:
        yield _row("mean, input", passed.given.mean(0))
        yield _row("variance, input", passed.given.var(0, correction=0))
        before, after = passed.running[:2], passed.running[2:]
        for name, old, new in zip(("mean", "variance"), before, after, strict=True):
            changed = (old != new).tolist()
            marks = [Mark.CHANGED if each else Mark.NONE for each in changed]
            yield _row(f"running {name}", new, marks)
    yield _row("mean", passed.returned.mean(0))
    yield _row("variance", passed.returned.var(0, correction=0))


def _states(passed: Passed) -> Iterator[tuple[Cell, ...]]:
    """Yield a row that says which units let no gradient pass."""
    for states, mark in ((passed.dead, Mark.DEAD), (passed.saturated, Mark.SATURATED)):
        if states is not None:
            shown = states[:MOST_UNITS].tolist()
            cells = (Cell(mark.value, mark) if each else Cell("active") for each in shown)
            yield (Cell("the unit is"), *cells)


def _row(name: str, values: Tensor, marks: Sequence[Mark] = ()) -> tuple[Cell, ...]:
    shown = torch.atleast_1d(values)[:MOST_UNITS].tolist()
    filled = [*marks, *[Mark.NONE] * len(shown)]
    cells = [Cell(number(each), mark) for each, mark in zip(shown, filled, strict=False)]
    return (Cell(name), *cells)
