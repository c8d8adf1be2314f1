"""Comments that hide findings: `# noqa`, `# noqa: WB101`, `# wolfsbane: noqa`."""

import io
import re
import tokenize
from dataclasses import dataclass, field

from wolfsbane.audit.finding import Finding, Span

CODES = r"[A-Za-z]+[0-9]+(?:[,\s]+[A-Za-z]+[0-9]+)*"
LINE = re.compile(rf"#\s*noqa(?![-\w])(?P<colon>\s*:\s*(?P<codes>{CODES})?)?", re.IGNORECASE)
FILE = re.compile(
    rf"#\s*wolfsbane\s*:\s*noqa(?![-\w])(?P<colon>\s*:\s*(?P<codes>{CODES})?)?", re.IGNORECASE
)
ALL = frozenset({"ALL"})


@dataclass(frozen=True)
class Noqa:
    """What a program's comments hide.

    Args:
        in_file: codes hidden everywhere.
        by_line: codes hidden on a line; the set ALL is every code.
        ends: the last line of the statement that a line is in, and its first.
        warnings: comments that hide nothing, because of what is written in them.
    """

    in_file: frozenset[str] = frozenset()
    by_line: dict[int, frozenset[str]] = field(default_factory=dict)
    statements: dict[int, tuple[int, int]] = field(default_factory=dict)
    warnings: tuple[tuple[int, str], ...] = ()

    def hides(self, code: str, span: Span | None) -> bool:
        """Whether a finding with this code is hidden.

        A comment counts on the lines of the finding, as far as its statement goes, and on the
        statement's last line.
        """
        if _covers(self.in_file, code):
            return True
        if span is None:
            return False
        _, end = self.statements.get(span.line, (span.line, span.line))
        lines = {*range(span.line, min(span.end_line, end) + 1), end}
        return any(_covers(self.by_line.get(line, frozenset()), code) for line in lines)

    def shown(self, findings: list[Finding]) -> list[Finding]:
        """Return the findings that are not hidden."""
        return [one for one in findings if not self.hides(one.code, one.place.span)]


def read_noqa(text: str, known: frozenset[str]) -> Noqa:
    """Return what the comments of a program hide.

    Args:
        text: the program, which parses.
        known: the codes that there are.
    """
    if "noqa" not in text.lower():
        return Noqa()
    in_file: set[str] = set()
    by_line: dict[int, frozenset[str]] = {}
    statements: dict[int, tuple[int, int]] = {}
    warnings: list[tuple[int, str]] = []
    first = None
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            line = token.start[0]
            if token.type == tokenize.COMMENT and "noqa" in token.string.lower():
                whole_file = FILE.search(token.string)
                match = whole_file or LINE.search(token.string)
                codes = _codes(match, line, known, warnings) if match else frozenset()
                if whole_file:
                    in_file |= codes
                else:
                    by_line[line] = codes
            elif token.type == tokenize.NEWLINE:
                begin = line if first is None else first
                statements.update((n, (begin, line)) for n in range(begin, line + 1))
                first = None
            elif first is None and token.type not in BETWEEN:
                first = line
    except (tokenize.TokenError, SyntaxError):
        return Noqa()
    return Noqa(frozenset(in_file), by_line, statements, tuple(warnings))


BETWEEN = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
"""Tokens that may stand between two statements."""


def _codes(
    match: re.Match[str], line: int, known: frozenset[str], warnings: list[tuple[int, str]]
) -> frozenset[str]:
    if match["colon"] is None:
        return ALL
    codes = frozenset(code.upper() for code in re.findall(r"[A-Za-z]+[0-9]+", match["codes"] or ""))
    if not codes:
        warnings.append((line, "noqa: without a code hides nothing; write `# noqa: WB101`"))
    unknown = sorted(code for code in codes if code.startswith("WB") and code not in known)
    warnings += [(line, f"noqa names {code}, which is no rule") for code in unknown]
    return codes


def _covers(codes: frozenset[str], code: str) -> bool:
    return codes is ALL or "ALL" in codes or code in codes
