"""The lines that findings are in, read again from disk where they are not at hand."""

from collections.abc import Iterable
from pathlib import Path

from wolfsbane.audit.finding import Place
from wolfsbane.audit.source.reading.notebook import notebook
from wolfsbane.audit.source.reading.programs import UNREADABLE, Program, python_file


class Excerpts:
    """Lines of programs.

    Args:
        programs: programs that are at hand, such as one from standard input.
    """

    def __init__(self, programs: Iterable[Program] = ()) -> None:
        self._programs: dict[str, Program | None] = {one.path: one for one in programs}

    def line(self, place: Place) -> str | None:
        """Return the line that a place begins in; None where it cannot be had."""
        if place.file is None or place.span is None:
            return None
        if place.file not in self._programs:
            self._programs[place.file] = _program(place.file)
        program = self._programs[place.file]
        lines = program.lines(place.cell) if program else []
        return lines[place.span.line - 1] if 0 < place.span.line <= len(lines) else None


def _program(path: str) -> Program | None:
    try:
        content = Path(path).read_bytes()
        return notebook(content, path) if path.endswith(".ipynb") else python_file(content, path)
    except UNREADABLE:
        return None
