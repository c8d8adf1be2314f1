"""Whether what JSON held is what a block's fields hold: a process may tell anything."""

import dataclasses
import math
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


def fits(kind: Any, value: object) -> bool:
    """Return whether a value is one of a type, as `to_json` writes it.

    Args:
        kind: of a field of a block: a dataclass, an enumeration, a tuple, text, a number, or a
            choice of these.
        value: from JSON.
    """
    if dataclasses.is_dataclass(kind):
        return _is_record(kind, value)
    if get_origin(kind) in {Union, UnionType}:
        return any(fits(each, value) for each in get_args(kind))
    if get_origin(kind) is tuple:
        return isinstance(value, list) and _are_fit(get_args(kind), value)
    return _is_plain(kind, value)


def _is_record(kind: Any, value: object) -> bool:
    hints = _hints(kind)
    return (
        isinstance(value, dict)
        and value.keys() == hints.keys()
        and all(fits(hint, value[name]) for name, hint in hints.items())
    )


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _are_fit(kinds: tuple[Any, ...], values: list[object]) -> bool:
    if kinds[-1] is Ellipsis:
        return all(fits(kinds[0], value) for value in values)
    return len(kinds) == len(values) and all(map(fits, kinds, values))


def _is_plain(kind: Any, value: object) -> bool:
    if kind is float:  # What was not finite has become None.
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value is None or (is_number and _is_finite(value))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return isinstance(value, str) and value in list(kind)
    return type(value) is kind or (kind is type(None) and value is None)


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # A whole number that no float holds, nor a page.
        return False
