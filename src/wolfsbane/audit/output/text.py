"""Findings as ruff tells them: place, what is wrong, the line with a mark under it, what to do."""

import unicodedata
from collections.abc import Iterator, Sequence

from wolfsbane.audit.checking.fixes import is_applicable
from wolfsbane.audit.finding import Finding, Place, Severity
from wolfsbane.audit.output.report import Report

TAB = " " * 4
WIDEST = 160
"""Characters of a line that are shown; of a longer one, those around what is meant."""

Part = tuple[str, str]
"""Text, and its style; "" is plain."""

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold blue"}


def render(report: Report, color: bool = False, ends_counting: bool = True) -> str:
    """Return findings for people, with a last line that counts them where that is wanted."""
    lines = [line for finding in report.findings for line in _finding(finding, report)]
    lines += [[("note: ", "bold blue"), (_printable(note), "")] for note in report.notes]
    lines += [[(line, "bold")] for line in (summary(report) if ends_counting else [])]
    return "".join(f"{_styled(parts, color)}\n" for parts in lines)


def statistics(report: Report, ends_counting: bool = True) -> str:
    """Return how often each rule found something."""
    rows = report.counts()
    width = max((len(str(count)) for _, _, count, _ in rows), default=0)
    lines = [
        f"{count:>{width}}  {code}  [{'*' if fixable else ' '}]  {name}"
        for code, name, count, fixable in rows
    ]
    return "".join(f"{line}\n" for line in [*lines, *(summary(report) if ends_counting else [])])


def summary(report: Report) -> list[str]:
    """Return how many there are, and how many of these can be fixed."""
    left = len(report.findings)
    if report.num_fixed:
        total = left + report.num_fixed
        first = f"Found {_errors(total)} ({report.num_fixed} fixed, {left} remaining)."
    else:
        first = f"Found {_errors(left)}." if left else "All checks passed!"
    known = f" {_errors(len(report.known))} in the baseline." if report.known else ""
    fixes = [finding.fix for finding in report.findings]
    now = sum(is_applicable(fix, report.unsafe) for fix in fixes)
    hidden = sum(fix is not None for fix in fixes) - now
    unsafe = f"{hidden} fixable with --unsafe-fixes" if hidden else ""
    safe = f"[*] {now} fixable with --fix" if now else ""
    offers = ", ".join(offer for offer in (safe, unsafe) if offer)
    return [first + known, *([f"{offers}."] if offers else [])]


def _errors(number: int) -> str:
    return f"{number} error" if number == 1 else f"{number} errors"


def _finding(finding: Finding, report: Report) -> Iterator[list[Part]]:
    """Yield the lines that tell one finding, an empty one at the end."""
    mark = [("[*] ", "cyan")] if is_applicable(finding.fix, report.unsafe) else []
    style = STYLES[finding.severity]
    yield [
        (_printable(str(finding.place)), "bold"),
        (": ", "cyan"),
        (f"{finding.code} ", style),
        *mark,
        (_printable(finding.message), ""),
    ]
    indentation = 0
    excerpt = report.line(finding.place)
    if excerpt is not None:
        number = str(finding.place.span.line) if finding.place.span else ""
        indentation = len(number)
        yield from _excerpt(excerpt, finding.place, number, style)
    gap = " " * (indentation + 1)
    yield [(gap, ""), ("= ", "cyan"), ("help: ", "bold"), (_printable(finding.help), "")]
    for place, what in finding.related:
        told = f"{_printable(str(place))}: {_printable(what)}"
        yield [(gap, ""), ("= ", "cyan"), ("note: ", "bold"), (told, "")]
    yield []


def _excerpt(line: str, place: Place, number: str, style: str) -> Iterator[list[Part]]:
    """Yield the line, and under it a mark below what is meant."""
    span = place.span
    assert span is not None
    begin = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    end = max(min(end, len(line)), begin + 1)
    shown, begin, end = _window(line, begin, end)
    before, marked, after = (
        _shown(part) for part in (shown[:begin], shown[begin:end], shown[end:])
    )
    bar = (" |", "cyan")
    empty = " " * len(number)
    carets = " " * _width(before) + "^" * max(_width(marked), 1)
    yield [(empty, ""), bar]
    yield [(number, "cyan"), bar, (f" {before}{marked}{after}".rstrip(), "")]
    yield [(empty, ""), bar, (" ", ""), (carets, style)]


def _window(line: str, begin: int, end: int) -> tuple[str, int, int]:
    """Return the part of a line around a stretch, and where the stretch is in it."""
    if len(line) <= WIDEST:
        return line, begin, end
    end = min(end, begin + WIDEST // 2)
    first = max(min(begin - WIDEST // 4, len(line) - WIDEST), 0)
    cut = line[first : first + WIDEST]
    front = "..." if first else ""
    back = "..." if first + WIDEST < len(line) else ""
    return front + cut + back, begin - first + len(front), end - first + len(front)


def _shown(text: str) -> str:
    return _printable(text.replace("\t", TAB))


def _printable(text: str) -> str:
    """Return a text without characters that would steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def _styled(parts: Sequence[Part], color: bool) -> str:
    if not color:
        return "".join(text for text, _ in parts)
    from rich.color import ColorSystem  # noqa: PLC0415  # without colours rich is not needed
    from rich.style import Style  # noqa: PLC0415

    return "".join(
        Style.parse(style).render(text, color_system=ColorSystem.STANDARD) for text, style in parts
    )
