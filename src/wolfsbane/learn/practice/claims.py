"""What is claimed about a program's names, decided by evaluating it in them."""

import ast
from dataclasses import dataclass
from types import CodeType
from typing import Any

from wolfsbane.errors import ArgumentError
from wolfsbane.learn.practice.printing import captured
from wolfsbane.learn.practice.tracebacks import last_line

CLAIM = "claim.py"
"""What a claim's file is called in tracebacks."""

UNKNOWN = "?"
"""What stands in a message for a figure that cannot be had."""


@dataclass(frozen=True)
class Verdict:
    """What came of a claim.

    Attributes:
        claim: the expression.
        holds: whether it is true.
        error: what it raised instead, in a line: `NameError: ...`.
    """

    claim: str
    holds: bool
    error: str = ""

    def __str__(self) -> str:
        """As it is told, in Markdown."""
        said = f"raises `{self.error}`" if self.error else f"is `{self.holds}`"
        return f"`{self.claim}` {said}"


def decide(claim: str, names: dict[str, Any]) -> Verdict:
    """Evaluate a claim in a program's names. One that raises does not hold."""
    with captured(is_heard=False):
        try:
            value = eval(compile(claim.strip(), CLAIM, "eval"), names)  # noqa: S307  # the purpose
            return Verdict(claim, bool(value))
        except Exception as error:  # noqa: BLE001  # whatever it is, the claim does not hold
            return Verdict(claim, holds=False, error=last_line(error))


def fill(message: str, names: dict[str, Any]) -> str:
    """Return a message with each `{...}` evaluated in a program's names, as in an f-string.

    One that raises leaves a question mark: the student's program may lack the name.

    Raises:
        ArgumentError: the message would be no f-string.
    """
    return "".join(_text(part, names) for part in _parts(message))


def _parts(message: str) -> list[ast.expr]:
    quotes = "'''" if '"""' in message or message.endswith('"') else '"""'
    try:
        parsed = ast.parse(f"rf{quotes}{message}{quotes}", CLAIM, "eval").body
    except SyntaxError as error:
        raise ArgumentError(
            f"{message!r} cannot be read as an f-string: {error.msg}. Write {{{{ for a brace"
        ) from error
    return parsed.values if isinstance(parsed, ast.JoinedStr) else [parsed]


def _text(part: ast.expr, names: dict[str, Any]) -> str:
    with captured(is_heard=False):
        try:
            return str(eval(_code(part), names))  # noqa: S307  # the purpose
        except Exception:  # noqa: BLE001  # whatever it is, there is no figure
            return UNKNOWN


def _code(part: ast.expr) -> CodeType:
    text = ast.copy_location(ast.JoinedStr([part]), part)
    return compile(ast.fix_missing_locations(ast.Expression(text)), CLAIM, "eval")
