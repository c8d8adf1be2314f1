"""Findings as the three channels make them."""

from wolfsbane.audit.finding import Channel, Edit, Finding, Fix, Place, Severity, Span


def finding(place=None, *, message="dropout is always on", related=(), fix=None, code="WB101"):
    place = Place("net.py", Span(2, 5, 2, 9)) if place is None else place
    channel = Channel.SOURCE if place.module is None else Channel.MODEL
    name = "dropout-always-on" if code == "WB101" else "old-call"
    return Finding(
        code, name, Severity.ERROR, channel, message, "pass training", place, related, fix
    )


def fix_of(line, begin, end, text, *, is_safe=True):
    return Fix(f"Write {text}", (Edit(Span(line, begin, line, end), text),), is_safe)


def syntax_error(file="broken.py"):
    place = Place(file, Span(1, 7, 1, 8))
    return Finding(
        "WB000", "syntax-error", Severity.ERROR, Channel.SOURCE, "no Python", "mend it", place
    )
