"""Texts with replacements made, whatever their line ends are."""

import re
from collections.abc import Iterable

from wolfsbane.audit.finding import Edit

LINE_END = re.compile(r"\r\n|\r|\n")
"""As Python has it: a form feed ends no line."""


def with_newlines(text: str) -> str:
    r"""Return a text whose lines end as Python's tokenizer makes them end."""
    return LINE_END.sub("\n", text) if "\r" in text else text


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    r"""Return a text with replacements made that do not overlap.

    What is inserted ends its lines as the text's first line does; all other characters stay.

    Examples:
        >>> from wolfsbane.audit.finding import Span
        >>> apply_edits("drop(x)\r\n", [Edit(Span(1, 7, 1, 7), ",\n     p")])
        'drop(x,\r\n     p)\r\n'
    """
    ends = list(LINE_END.finditer(text))
    starts = [0, *(end.end() for end in ends)]
    newline = ends[0][0] if ends else "\n"
    for edit in sorted(edits, key=lambda edit: edit.span, reverse=True):
        span = edit.span
        begin = starts[span.line - 1] + span.column - 1
        end = starts[span.end_line - 1] + span.end_column - 1
        text = text[:begin] + edit.text.replace("\n", newline) + text[end:]
    return text
