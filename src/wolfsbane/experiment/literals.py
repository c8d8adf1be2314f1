"""Values written as text on a command line."""

import ast
from typing import Any

WORDS = {"true": True, "false": False, "none": "none"}
"""What is written in small letters elsewhere; `none` is the name of an activation."""


def literal(text: str) -> Any:
    """Return the number, truth value or text that is meant.

    Examples:
        >>> [literal(text) for text in ("0.5", "128", "true", "relu", "none")]
        [0.5, 128, True, 'relu', 'none']
    """
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
