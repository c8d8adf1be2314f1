"""What a rule has found: which defect, where, and what to do about it. No torch is needed."""

import enum
from dataclasses import dataclass, field


class Severity(enum.StrEnum):
    """How bad it is: SARIF's words."""

    ERROR = "error"
    """The program does not do what its author meant: it raises, or is silently wrong."""
    WARNING = "warning"
    """It probably does not; there are deliberate cases."""
    NOTE = "note"
    """Worth knowing; nothing is wrong with it as such."""


class Channel(enum.StrEnum):
    """Through what a defect was seen."""

    SOURCE = "source"
    MODEL = "model"
    RUN = "run"


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of a text: lines from 1, columns in characters from 1, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, order=True)
class Place:
    """Where something is: in a file, in a model, or both.

    Args:
        file: path as it was given.
        span: where in the file; in a notebook, where in the cell.
        cell: number of the notebook's cell, from 1; None in a plain file.
        module: path of the module in its model, such as `encoder.drop`; "" is the model itself.
    """

    file: str | None = None
    span: Span | None = None
    cell: int | None = None
    module: str | None = None

    def __str__(self) -> str:
        """As editors and terminals know it: file:line:column; a module where there is no file."""
        if self.file is None:
            return "(the model itself)" if self.module == "" else self.module or "(nowhere)"
        cell = "" if self.cell is None else f":cell {self.cell}"
        span = "" if self.span is None else f":{self.span.line}:{self.span.column}"
        return f"{self.file}{cell}{span}"


@dataclass(frozen=True)
class Edit:
    """A replacement of text; an empty span inserts."""

    span: Span
    text: str


@dataclass(frozen=True)
class Fix:
    """How a finding can be mended.

    Args:
        does: what the fix does, as an imperative: "Pass training=self.training".
        edits: replacements in the finding's file (and cell), which do not overlap.
        is_safe: whether the program can only do what was meant afterwards; an unsafe fix may
            change what is meant, and needs a look.
    """

    does: str
    edits: tuple[Edit, ...]
    is_safe: bool


@dataclass(frozen=True)
class Finding:
    """One defect at one place.

    Args:
        code: the rule's code, such as WB101.
        name: the rule's name, such as dropout-always-on.
        severity: how bad it is.
        channel: through what it was seen.
        message: what is wrong here, in one sentence without a full stop, with measured evidence.
        help: what to do, as an imperative.
        place: where it is.
        related: other places that matter, each with what happens there.
        fix: an edit that mends it, where there is one.
    """

    code: str
    name: str
    severity: Severity
    channel: Channel
    message: str
    help: str
    place: Place = field(default_factory=Place)
    related: tuple[tuple[Place, str], ...] = ()
    fix: Fix | None = None

    def __str__(self) -> str:
        """In one line, as a linter prints it."""
        return f"{self.place}: {self.code} {self.message}"
