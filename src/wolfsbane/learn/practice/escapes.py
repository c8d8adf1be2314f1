"""What would steer a terminal, shown instead: a program's output is to be read, not obeyed."""

import dataclasses
import unicodedata
from enum import Enum
from typing import Any

SHOWN_AS_IT_IS = "\n\t\r"
"""Which rich knows what to do with."""

TURNS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Characters that turn the direction of what follows, so that it reads otherwise than it is."""

CONTROLS = tuple(each for each in range(0xA0) if unicodedata.category(chr(each)) == "Cc")

ESCAPES = {
    each: repr(chr(each))[1:-1] for each in (*CONTROLS, *TURNS) if chr(each) not in SHOWN_AS_IT_IS
}
"""Each as Python writes it: an escape as `\\x1b`."""


def harmless(value: Any) -> Any:
    """Return a text, or a block with all its texts, without what would steer a terminal."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return value.translate(ESCAPES)
    if isinstance(value, tuple):
        return tuple(harmless(each) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (field.name for field in dataclasses.fields(value))
        return dataclasses.replace(
            value, **{name: harmless(getattr(value, name)) for name in fields}
        )
    return value
