"""Blocks as JSON, and back: on the way from a worker to the server, and on to the page."""

import dataclasses
import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, get_args, get_type_hints

from wolfsbane.learn.blocks import KINDS, Block


def to_json(block: Block) -> dict[str, Any]:
    """Return a block as JSON has it, with its kind; a number that is not finite becomes None."""
    return {"kind": type(block).__name__.lower(), **_plain(dataclasses.asdict(block))}


def from_json(given: Mapping[str, Any]) -> Block:
    """Return the block that `to_json` made this of; of what was not finite, None is left."""
    kind = KINDS[given["kind"]]
    block: Block = _read(kind, {name: each for name, each in given.items() if name != "kind"})
    return block


def _read(kind: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{name: _read(hints[name], each) for name, each in value.items()})
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(value)
    if isinstance(value, list | tuple):
        each = _kind_of_each(kind)
        return tuple(_read(each, one) for one in value)
    return value


def _kind_of_each(kind: Any) -> Any:
    """Return of what a tuple is, such as Cell for `tuple[Cell, ...]`, which may be optional."""
    inner = get_args(kind)
    return _kind_of_each(inner[0]) if get_args(inner[0]) and type(None) in inner else inner[0]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
