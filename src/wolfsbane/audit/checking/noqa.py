"""Comments that hide findings: `# noqa`, `# noqa: WB101`, `# wolfsbane: noqa`."""

import io
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass, field

from wolfsbane.audit.finding import Finding, Span

CODE = r"[A-Za-z]+[0-9]+"
CODES = rf"{CODE}(?:[,\s]+{CODE})*"
LINE = re.compile(rf"#\s*noqa(?![-\w])(?P<colon>\s*:\s*(?P<codes>{CODES})?)?", re.IGNORECASE)
FILE = re.compile(
    rf"#\s*wolfsbane\s*:\s*noqa(?![-\w])(?P<colon>\s*:\s*(?P<codes>{CODES})?)?", re.IGNORECASE
)
ALL = frozenset({"ALL"})
BETWEEN = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT)
"""Tokens that may stand between two statements."""


@dataclass(frozen=True)
class Noqa:
    """What a program's comments hide.

    Args:
        in_file: codes hidden everywhere.
        by_line: codes hidden on a line; the set ALL is every code.
        ends: the last line of the statement that a line is in, and its first.
        warnings: comments that name a code that there is not, with their lines.
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

    def warnings_for(self, shown: list[Finding]) -> list[tuple[int, str]]:
        """Return what is wrong with comments, given the findings that are not hidden.

        `# noqa: because` is told only where something is found: other tools may obey it.
        """
        without = {line for line, codes in self.by_line.items() if not codes}
        lines = {one.place.span.line for one in shown if one.place.span} & without
        told = [
            (line, "noqa: without a code hides nothing; write `# noqa: WB101`") for line in lines
        ]
        return sorted([*self.warnings, *told])

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
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return Noqa()
    in_file: set[str] = set()
    by_line: dict[int, frozenset[str]] = {}
    for token in tokens:
        if token.type == tokenize.COMMENT and (match := FILE.search(token.string)):
            in_file |= _codes(match)
        elif token.type == tokenize.COMMENT and (match := LINE.search(token.string)):
            by_line[token.start[0]] = _codes(match)
    return Noqa(frozenset(in_file), by_line, _statements(tokens), _unknown(tokens, known))


def _statements(tokens: Iterable[tokenize.TokenInfo]) -> dict[int, tuple[int, int]]:
    """Return, for each line of a statement, the statement's first line and its last."""
    found: dict[int, tuple[int, int]] = {}
    first = None
    for token in tokens:
        line = token.start[0]
        if token.type == tokenize.NEWLINE:
            begin = line if first is None else first
            found.update((n, (begin, line)) for n in range(begin, line + 1))
            first = None
        elif first is None and token.type not in BETWEEN:
            first = line
    return found


def _unknown(
    tokens: Iterable[tokenize.TokenInfo], known: frozenset[str]
) -> tuple[tuple[int, str], ...]:
    """Return the codes of ours that comments name and that are no rules, with their lines."""
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    matches = [
        (token.start[0], FILE.search(token.string) or LINE.search(token.string))
        for token in comments
    ]
    return tuple(
        (line, f"noqa names {code}, which is no rule")
        for line, match in matches
        if match
        for code in sorted(_codes(match) - known)
        if code.startswith("WB")
    )


def _codes(match: re.Match[str]) -> frozenset[str]:
    """Return the codes that a comment names; none where it has a colon and no code behind it."""
    if match["colon"] is None:
        return ALL
    return frozenset(code.upper() for code in re.findall(CODE, match["codes"] or ""))


def _covers(codes: frozenset[str], code: str) -> bool:
    return bool(codes & {code, *ALL})
