"""Where in a notebook's JSON the sources of its cells are, so that all else can stay as it is."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

BLANK = re.compile(r"[ \t\r\n]*")
DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class SourceValue:
    """The value of "source" in a cell of code.

    Args:
        cell: the cell's place among all cells, from 1.
        source: what the value says.
        begin: where in the JSON it begins.
        end: where it ends.
    """

    cell: int
    source: str
    begin: int
    end: int

    def replaced_in(self, text: str, source: str) -> str:
        """Return the JSON with another source in this place, laid out as the old one."""
        old = text[self.begin : self.end]
        ascii_only = text.isascii()
        if old.startswith("["):
            new = _as_list(old, source, ascii_only)
        else:
            new = json.dumps(source, ensure_ascii=ascii_only)
        return text[: self.begin] + new + text[self.end :]


def source_values(text: str) -> tuple[SourceValue, ...]:
    """Return the sources of all cells of code in a notebook's JSON, which is valid."""
    found: list[SourceValue] = []
    for key, begin in _members(text, _past_blanks(text, 0)):
        if key == "cells":
            for number, cell in enumerate(_elements(text, begin), 1):
                found += _source_of(text, cell, number)
    return tuple(found)


def _source_of(text: str, begin: int, number: int) -> Iterator[SourceValue]:
    places = dict(_members(text, begin))
    kind = DECODER.raw_decode(text, places["cell_type"])[0] if "cell_type" in places else None
    if kind != "code" or "source" not in places:
        return
    value, end = DECODER.raw_decode(text, places["source"])
    source = "".join(map(str, value)) if isinstance(value, list) else str(value)
    yield SourceValue(number, source, places["source"], end)


def _as_list(old: str, source: str, ascii_only: bool) -> str:
    """Return lines as a JSON list, with the blanks that the old list has around its elements."""
    lines = source.split("\n")
    texts = [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    before = _blanks(old, 1)
    between = _between(old) or f",{before or ' '}"
    after = re.search(r"[ \t\r\n]*(?=\]$)", old)
    elements = [json.dumps(line, ensure_ascii=ascii_only) for line in texts]
    return "[" + before + between.join(elements) + (after[0] if after else "") + "]"


def _between(old: str) -> str:
    """Return what stands between the first two elements of a list, or nothing."""
    begins = list(itertools.islice(_elements(old, 0), 2))
    if len(begins) < 2:  # noqa: PLR2004
        return ""
    return old[DECODER.raw_decode(old, begins[0])[1] : begins[1]]


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield the keys of an object that begins here, each with where its value begins."""
    at = _past_blanks(text, at + 1)
    while text[at] != "}":
        key, at = DECODER.raw_decode(text, at)
        at = _past_blanks(text, _past_blanks(text, at) + 1)
        yield key, at
        at = _next(text, at)


def _elements(text: str, at: int) -> Iterator[int]:
    """Yield where the elements of a list begin that begins here."""
    at = _past_blanks(text, at + 1)
    while text[at] != "]":
        yield at
        at = _next(text, at)


def _next(text: str, at: int) -> int:
    """Return where the value after this one begins, or the bracket that ends its container."""
    at = _past_blanks(text, DECODER.raw_decode(text, at)[1])
    return _past_blanks(text, at + 1) if text[at] == "," else at


def _blanks(text: str, at: int) -> str:
    return text[at : _past_blanks(text, at)]


def _past_blanks(text: str, at: int) -> int:
    match = BLANK.match(text, at)
    assert match is not None
    return match.end()
