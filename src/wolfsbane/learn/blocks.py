"""What a run shows, piece by piece: plain data, drawn by the page and by the terminal alike.

A run is a stream of blocks. One with a `key` takes the place of the run's earlier block with that
key, so a chart grows while a network trains.
"""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """What is special about a cell of a table. Shown in words too, not by colour alone."""

    NONE = ""
    DROPPED = "dropped"
    KEPT = "kept"
    DEAD = "dead"
    SATURATED = "saturated"
    CHANGED = "changed"
    BETTER = "better"
    WORSE = "worse"


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: as it is shown.
        mark: what is special about it.
    """

    text: str
    mark: Mark = Mark.NONE


@dataclass(frozen=True)
class Text:
    """A paragraph in Markdown."""

    text: str
    key: str = ""


@dataclass(frozen=True)
class Printed:
    """A program, and what it printed.

    Attributes:
        program: Python; empty where it is shown elsewhere.
        output: what it printed.
        error: the last lines of its traceback; empty where it ended well.
    """

    program: str
    output: str
    error: str = ""
    key: str = ""


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        caption: what it shows, in a sentence or less.
        columns: heads; the first is that of the rows' names.
        rows: cells, as many as there are columns; the first names the row.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    key: str = ""


class Drawn(StrEnum):
    """How a series is drawn. Series of one chart also differ in dashes or the points' shape."""

    LINE = "line"
    POINTS = "points"
    BARS = "bars"
    STEPS = "steps"


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes:
        name: in the legend and in the table behind the chart.
        x: numbers, or for bars names.
        y: as many numbers; None where there is none.
        lower, upper: a band around the line, such as an interval; empty for none.
    """

    name: str
    x: tuple[float | str, ...]
    y: tuple[float | None, ...]
    drawn: Drawn = Drawn.LINE
    lower: tuple[float | None, ...] = ()
    upper: tuple[float | None, ...] = ()


class Scale(StrEnum):
    """How an axis counts."""

    LINEAR = "linear"
    LOG = "log"


@dataclass(frozen=True)
class Chart:
    """A chart of one or more series; the page puts a table of all its numbers behind it.

    Attributes:
        title: what is shown.
        description: what is to be seen in it, for who cannot see it.
        x_label, y_label: quantity and unit.
        y_range: both ends of the axis; None to fit the numbers.
    """

    title: str
    description: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_scale: Scale = Scale.LINEAR
    y_scale: Scale = Scale.LINEAR
    y_range: tuple[float, float] | None = None
    key: str = ""


@dataclass(frozen=True)
class Regions:
    """What a network answers over a plane, and the examples that lie in it.

    Attributes:
        title, description: as of a chart.
        x_range, y_range: the plane's ends.
        grid: rows from the lowest y up, each of classes from the lowest x on.
        points: x, y and class of each example.
        table: what is behind it: examples of each class, how many are answered rightly.
    """

    title: str
    description: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    grid: tuple[tuple[int, ...], ...]
    points: tuple[tuple[float, float, int], ...]
    table: Table
    key: str = ""


@dataclass(frozen=True)
class Finding:
    """What the auditor found.

    Attributes:
        code: the rule's, such as WB201; its page is `rules/WB201`.
        name: the rule's, such as train-not-restored.
        message: what is wrong, as the auditor says it.
        help: what to do.
        line: of the program, counted from 1; 0 where there is none.
        channel: source, model or run.
    """

    code: str
    name: str
    message: str
    help: str
    line: int = 0
    channel: str = ""
    key: str = ""


@dataclass(frozen=True)
class Outcome:
    """Which of a prediction's choices this run speaks for.

    Attributes:
        choice: counted from 0.
        text: the figures that say so, in Markdown.
    """

    choice: int
    text: str
    key: str = ""


@dataclass(frozen=True)
class Graded:
    """The answer to an answer.

    Attributes:
        passed: whether the item is done.
        said: what the student said or wrote, in a few words.
        measured: what torch does, in Markdown; printed output comes as a block before.
        why: the explanation, in Markdown.
        misconception: its name, where a known one is behind the answer.
        rule: the code of the auditor's rule about it, or empty.
    """

    passed: bool
    said: str
    measured: str
    why: str
    misconception: str = ""
    rule: str = ""
    key: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    done: int
    total: int
    text: str
    key: str = "progress"


class End(StrEnum):
    """How a run ended."""

    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    TIME = "time"
    MEMORY = "memory"
    PROCESSES = "processes"
    NETWORK = "network"
    OUTPUT = "output"
    CRASHED = "crashed"


@dataclass(frozen=True)
class Ended:
    """The last block of every run.

    Attributes:
        end: how it ended.
        text: what happened and what to do, in a sentence; empty where all went well.
    """

    end: End
    text: str = ""
    key: str = ""


Block = Text | Printed | Table | Chart | Regions | Finding | Outcome | Graded | Progress | Ended
KINDS: dict[str, type[Block]] = {
    kind.__name__.lower(): kind
    for kind in (Text, Printed, Table, Chart, Regions, Finding, Outcome, Graded, Progress, Ended)
}
"""Blocks by the name they have in JSON."""
