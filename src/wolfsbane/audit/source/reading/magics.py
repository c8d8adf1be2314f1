"""IPython's magics and shell commands, made harmless: what is left is Python, line for line."""

import ast
import re
import warnings

PYTHON_CELLS = {
    "capture", "debug", "ipytest", "prun", "pypy", "python", "python3", "time", "timeit",
}  # fmt: skip
"""Cell magics whose cell is Python all the same."""

ASSIGNED = re.compile(r"^(\s*[\w.\[\], ]+=\s*)[%!]")
"""files = !ls, or took = %timeit f()."""
SPECIAL = re.compile(r"^\s*(?:[%!?]|[/,;]\w)|^[^#]*\?\s*$")
"""A magic, a shell command, help, or a function called without parentheses."""


def without_magics(source: str) -> str:
    r"""Return a cell's source as Python with as many lines.

    A line is changed only where Python refuses it: inside brackets or a string, a line may well
    begin with `%`.

    Examples:
        >>> without_magics("%matplotlib inline\nfiles = !ls\nprint(7\n  % 4)")
        'pass\nfiles = None\nprint(7\n  % 4)'
    """
    lines = source.split("\n")
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        if lines[first][2:].split(" ")[0].strip() not in PYTHON_CELLS:
            return "\n" * (len(lines) - 1)
        lines[first] = ""
    refused = _refused(lines)
    while refused is not None and _is_special(lines[refused]):
        _neutralise(lines, refused)
        refused = _refused(lines)
    return "\n".join(lines)


def _refused(lines: list[str]) -> int | None:
    """Return the index of the line that Python objects to."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse("\n".join(lines))
    except SyntaxError as error:
        return _special_at_or_before(lines, min((error.lineno or 1), len(lines)) - 1)
    except (ValueError, RecursionError, MemoryError):
        return None
    return None


def _special_at_or_before(lines: list[str], index: int) -> int:
    """Return this line, or, where it is plain Python, the last one before it that is not.

    Python may see the mistake late: `!echo (` opens a bracket.
    """
    if _is_special(lines[index]):
        return index
    return next((n for n in range(index, -1, -1) if _is_special(lines[n])), index)


def _is_special(line: str) -> bool:
    return bool(SPECIAL.search(line) or ASSIGNED.match(line))


def _neutralise(lines: list[str], index: int) -> None:
    """Replace a special line, and those that a backslash joins to it."""
    assigned = ASSIGNED.match(lines[index])
    indentation = lines[index][: len(lines[index]) - len(lines[index].lstrip())]
    last = index
    while lines[last].endswith("\\") and last + 1 < len(lines):
        last += 1
    lines[index] = f"{assigned[1]}None" if assigned else f"{indentation}pass"
    lines[index + 1 : last + 1] = [""] * (last - index)
