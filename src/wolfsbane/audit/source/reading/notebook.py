"""Jupyter notebooks: their cells as one program, and the way back to the cells."""

import ast
import dataclasses
import functools
import json
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from wolfsbane.audit.finding import Edit, Finding, Fix, Place, Span
from wolfsbane.audit.source.reading.editing import apply_edits
from wolfsbane.audit.source.reading.magics import without_magics
from wolfsbane.audit.source.reading.notebook_json import SourceValue, source_values
from wolfsbane.audit.source.reading.programs import (
    UNREADABLE,
    CellEdit,
    NoNotebookError,
    problem_of,
)

FORMAT = 4
"""The notebook format that is read: since 2015; older ones have their cells elsewhere."""


@dataclass(frozen=True)
class Cell:
    """A cell of code.

    Args:
        number: its place among all cells, from 1.
        source: what is written in it.
        python: the same number of lines, with magics and shell commands made harmless.
        problem: why it is not Python; then no line of it is.
    """

    number: int
    source: str
    python: str
    problem: Finding | None


@dataclass(frozen=True)
class Notebook:
    """A notebook in Python.

    Args:
        path: path as it was given.
        original: the file's text: JSON.
        values: where in it the sources of the code cells are.
    """

    path: str
    original: str
    values: tuple[SourceValue, ...]

    @functools.cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of code."""
        return tuple(_cell(value, self.path) for value in self.values)

    @functools.cached_property
    def text(self) -> str:
        """The cells' programs, one after the other."""
        return "".join(f"{cell.python}\n" for cell in self.cells)

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What is told about cells that are not Python."""
        return tuple(cell.problem for cell in self.cells if cell.problem)

    def lines(self, cell: int | None) -> list[str]:
        """Return the lines of a cell, as they are written."""
        return next((one.source.split("\n") for one in self.cells if one.number == cell), [])

    def place_of(self, span: Span) -> Place:
        """Return the place in its cell."""
        cell, moved = self._moved(span)
        return Place(self.path, moved, cell)

    def placed(self, finding: Finding) -> Finding:
        """Return a finding in `text` with the cells, and the lines in them."""
        fix = finding.fix and self._fix_in_cell(finding, finding.fix)
        related = tuple((self._in_cell(place), what) for place, what in finding.related)
        place = self._in_cell(finding.place)
        return dataclasses.replace(finding, place=place, related=related, fix=fix)

    def edited(self, edits: Iterable[CellEdit]) -> "Notebook":
        """Return the notebook with edits made; all JSON but the cells' sources stays as it is."""
        by_cell: dict[int | None, list[Edit]] = {}
        for number, edit in edits:
            by_cell.setdefault(number, []).append(edit)
        text = self.original
        for value in reversed(self.values):
            if value.cell in by_cell:
                text = value.replaced_in(text, apply_edits(value.source, by_cell[value.cell]))
        return notebook(text.encode(), self.path) or self

    def encoded(self) -> bytes:
        """Return the file's content."""
        return self.original.encode()

    @functools.cached_property
    def _first_lines(self) -> list[tuple[int, int]]:
        """The first line of each cell in `text`, and the cell's number."""
        line, firsts = 1, []
        for cell in self.cells:
            firsts.append((line, cell.number))
            line += cell.python.count("\n") + 1
        return firsts

    def _in_cell(self, place: Place) -> Place:
        if place.span is None or place.file != self.path:
            return place
        cell, span = self._moved(place.span)
        return dataclasses.replace(place, span=span, cell=cell)

    def _moved(self, span: Span) -> tuple[int, Span]:
        first, number = max(pair for pair in self._first_lines if pair[0] <= span.line)
        off = first - 1
        return number, Span(span.line - off, span.column, span.end_line - off, span.end_column)

    def _fix_in_cell(self, finding: Finding, fix: Fix) -> Fix | None:
        """Return the fix with its edits in the finding's cell; None where one is in another."""
        assert finding.place.span is not None
        home, _ = self._moved(finding.place.span)
        moved = [(self._moved(edit.span), edit.text) for edit in fix.edits]
        if any(cell != home for (cell, _), _ in moved):
            return None
        edits = tuple(Edit(span, text) for (_, span), text in moved)
        return dataclasses.replace(fix, edits=edits)


def notebook(content: bytes, path: str) -> Notebook | None:
    """Return a notebook; None where it is empty, or in another language than Python.

    Raises:
        NoNotebookError: it is not JSON in UTF-8, or not a notebook of format 4.
    """
    if not content.strip():
        return None  # So editors begin one.
    try:
        text = content.decode("utf-8")
        data = json.loads(text)
    except json.JSONDecodeError as error:
        place = (path, error.lineno, error.colno, None)
        raise NoNotebookError(
            f"a notebook is JSON, and here it breaks off: {error.msg}", place
        ) from error
    except UnicodeDecodeError as error:
        raise NoNotebookError(
            "a notebook is JSON in UTF-8, and this is not", (path, 1, 1, None)
        ) from error
    if not _is_readable(data):
        message = (
            "this is no notebook of format 4; `jupyter nbconvert --to notebook --inplace` converts"
        )
        raise NoNotebookError(message, (path, 1, 1, None))
    return Notebook(path, text, source_values(text)) if _is_python(data) else None


def _is_readable(data: object) -> bool:
    return (
        isinstance(data, dict)
        and data.get("nbformat") == FORMAT
        and isinstance(data.get("cells"), list)
        and all(isinstance(cell, dict) for cell in data["cells"])
    )


def _is_python(data: dict[str, object]) -> bool:
    metadata = data.get("metadata")
    described = metadata if isinstance(metadata, dict) else {}
    info = described.get("language_info")
    kernel = described.get("kernelspec")
    named = info.get("name") if isinstance(info, dict) else None
    spoken = kernel.get("language") if isinstance(kernel, dict) else None
    return str(named or spoken or "python").lower() in ("python", "ipython")


def _cell(value: SourceValue, path: str) -> Cell:
    python = without_magics(value.source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(python)
    except UNREADABLE as error:
        problem = problem_of(error, path, value.cell)
        return Cell(value.cell, value.source, "\n" * value.source.count("\n"), problem)
    return Cell(value.cell, value.source, python, None)
