"""What a worker tells its parent, a line of JSON each: blocks, and three messages of its own.

The parent takes nothing on trust: a student's program may write to the pipe too.
"""

import json
from typing import Any, NoReturn

from wolfsbane.learn.blocks import KINDS
from wolfsbane.learn.workers.shapes import fits

READY = "ready"
"""Told once, when the process is warm."""

TAKEN = "taken"
"""Told when a job has come: what ends without it can be started again elsewhere."""

OUTPUT = "output"
"""What a program prints, told as it prints it, for the case that it never comes to its end."""

MOST_BYTES = 4 << 20
"""Of one line: some forty times what the largest block takes."""

Message = dict[str, Any]

_SURROGATE = b"\\ud"
"""How JSON begins half a character, which UTF-8 cannot write."""


class NotUnderstoodError(Exception):
    """A line that is not a message."""


def line_of(message: Message) -> bytes:
    """Return a message as a line."""
    return json.dumps(message, allow_nan=False).encode() + b"\n"


def read(line: bytes) -> Message:
    """Return the message that a line holds.

    Raises:
        NotUnderstoodError: it holds none.
    """
    try:
        message = json.loads(line, parse_constant=_refuse)
        if _SURROGATE in line.lower():
            message = json.loads(json.dumps(message, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError) as error:
        raise NotUnderstoodError(str(error)) from error
    if not _is_message(message):
        raise NotUnderstoodError("neither a block nor a message")
    return dict(message)


def _is_message(message: object) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
        return False
    kind, rest = message["kind"], {name: message[name] for name in message if name != "kind"}
    if kind in KINDS:
        return fits(KINDS[kind], rest)
    return rest == {} if kind in (READY, TAKEN) else kind == OUTPUT and _is_output(rest)


def _is_output(rest: dict[str, object]) -> bool:
    return rest.keys() == {"text"} and isinstance(rest["text"], str)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
