"""Blocks and exercises as a terminal shows them: words and tables, nothing by colour alone.

The same at the end of a pipe, where rich writes neither colours nor more than 80 columns.
"""

import string
from collections.abc import Iterator, Sequence
from functools import singledispatch

from rich.console import Console, ConsoleRenderable
from rich.markdown import Markdown
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from wolfsbane.learn import blocks
from wolfsbane.learn.practice.escapes import harmless
from wolfsbane.learn.practice.item import Item, Question

LETTERS = string.ascii_lowercase
"""What choices are called."""

THEME = "ansi_dark"
"""The terminal's own colours, whichever those are."""

MOST_POINTS = 12
"""Rows of a chart's table: what fits a screen with the rest."""

Part = ConsoleRenderable


def show(console: Console, block: blocks.Block) -> None:
    """Print a block.

    Args:
        console: where to.
        block: of any kind.
    """
    for part in _parts(harmless(block)):
        console.print(part)


def show_item(console: Console, item: Item, place: int, number: int) -> None:
    """Print an exercise: title, prompt, note, and a question's program and choices.

    Args:
        console: where to.
        item: the exercise.
        place: which one it is, counted from 1.
        number: of how many.
    """
    console.print()
    console.print(Text(f"{place} of {number}: {item.title}  [{item.name}]", style="bold"))
    console.print()
    console.print(_markdown(item.prompt))
    if item.note:
        console.print()
        console.print(_markdown(f"Note: {item.note}"))
    if not isinstance(item, Question):
        return
    if item.shows_program:
        show_program(console, item.program)
    console.print()
    for letter, choice in zip(LETTERS, item.choices, strict=False):
        console.print(_beside(f"{letter})", _markdown(choice.text)))


def show_program(console: Console, program: str) -> None:
    """Print a program.

    Args:
        console: where to.
        program: Python.
    """
    console.print()
    console.print(_program(harmless(program)))


@singledispatch
def _parts(block: object) -> Iterator[Part]:
    raise TypeError(f"no block is a {type(block).__name__}")


@_parts.register
def _(block: blocks.Text) -> Iterator[Part]:
    yield _markdown(block.text)


@_parts.register
def _(block: blocks.Printed) -> Iterator[Part]:
    if block.program:
        yield Text("\nThe program:")
        yield _program(block.program)
    if block.output:
        yield Text("\nIt prints:")
        yield _indented(block.output)
    if block.error:
        yield Text("\nIt ends with an error:")
        yield _indented(block.error)
    if not block.output and not block.error:
        yield Text("\nIt prints nothing.")


@_parts.register
def _(block: blocks.Table) -> Iterator[Part]:
    table = Table(title=block.caption, title_justify="left", box=None, title_style="italic")
    for place, column in enumerate(block.columns):
        table.add_column(column, justify="left" if place == 0 else "right")
    for row in block.rows:
        table.add_row(*(_cell(cell) for cell in row))
    yield Text()
    yield table


def _cell(cell: blocks.Cell) -> Text:
    return Text(f"{cell.text} ({cell.mark.value})" if cell.mark else cell.text)


@_parts.register
def _(block: blocks.Chart) -> Iterator[Part]:
    yield Text(f"\n{block.title}", style="bold")
    yield _markdown(block.description)
    for x in _distinct(tuple(series.x) for series in block.series):
        yield _points(block, [series for series in block.series if tuple(series.x) == x], x)


def _points(
    chart: blocks.Chart, chosen: Sequence[blocks.Series], x: Sequence[float | str]
) -> Table:
    """Return a table of the series that have the same x; of many points some, evenly spread."""
    table = Table(title=chart.y_label, title_justify="left", box=None, title_style="italic")
    table.add_column(chart.x_label)
    for series in chosen:
        table.add_column(series.name, justify="right")
    for place in _spread(len(x)):
        table.add_row(_figure(x[place]), *(_value(series, place) for series in chosen))
    return table


def _value(series: blocks.Series, place: int) -> str:
    value = _figure(series.y[place])
    band = [_figure(end[place]) for end in (series.lower, series.upper) if end]
    return f"{value} ({' to '.join(band)})" if len(band) == 2 else value  # noqa: PLR2004  # both ends


def _spread(number: int) -> list[int]:
    """Return up to `MOST_POINTS` places of a sequence, the first and the last among them."""
    if number <= MOST_POINTS:
        return list(range(number))
    step = (number - 1) / (MOST_POINTS - 1)
    return [round(place * step) for place in range(MOST_POINTS)]


def _figure(value: float | str | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:.4g}"


def _distinct(sequences: Iterator[tuple[float | str, ...]]) -> list[tuple[float | str, ...]]:
    return list(dict.fromkeys(sequences))


@_parts.register
def _(block: blocks.Regions) -> Iterator[Part]:
    yield Text(f"\n{block.title}", style="bold")
    yield _markdown(block.description)
    yield from _parts(block.table)


@_parts.register
def _(block: blocks.Finding) -> Iterator[Part]:
    where = f" in line {block.line}" if block.line else ""
    yield Text(f"\nThe auditor finds {block.code} {block.name}{where}:", style="bold")
    yield _indented(block.message)
    if block.help:
        yield _indented(f"What to do: {block.help}")


@_parts.register
def _(block: blocks.Outcome) -> Iterator[Part]:
    yield Text(f"\nThis run speaks for answer {LETTERS[block.choice]}.", style="bold")
    yield _markdown(block.text)


@_parts.register
def _(block: blocks.Graded) -> Iterator[Part]:
    yield Text("\nPassed." if block.passed else "\nNot yet.", style="bold")
    yield _beside("You said:", _markdown(block.said))
    yield _beside("Measured:", _markdown(block.measured))
    if block.misconception:
        yield _beside("Behind it:", Text(f"the belief that {block.misconception}"))
    if block.why:
        yield Text()
        yield _markdown(block.why)
    if block.rule:
        yield Text(f"\nThe auditor's rule about it: wolfsbane explain {block.rule}")


@_parts.register
def _(block: blocks.Progress) -> Iterator[Part]:
    yield Text(f"{block.done} of {block.total}: {block.text}")


@_parts.register
def _(block: blocks.Ended) -> Iterator[Part]:
    if block.text:
        yield Text(f"\n{block.text}", style="bold")


def _markdown(text: str) -> Markdown:
    return Markdown(text, hyperlinks=False, code_theme=THEME)


def _program(text: str) -> Part:
    syntax = Syntax(
        text.rstrip(), "python", theme=THEME, background_color="default", word_wrap=True
    )
    return Padding(syntax, (0, 0, 0, 2))


def _indented(text: str) -> Part:
    return Padding(Text(text.rstrip()), (0, 0, 0, 2))


def _beside(name: str, part: Part) -> Table:
    """Return a name with what belongs to it at its right, wrapped there."""
    row = Table.grid(padding=(0, 1))
    row.add_column(no_wrap=True, min_width=2)
    row.add_column()
    row.add_row(Text(name), part)
    return row
