"""Any object as JSON that differs where the object does, as far as can be told."""

import dataclasses
import enum
import functools
import hashlib
import inspect
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wolfsbane.tuning.fingerprints import fingerprint_of_factory

PLAIN = bool | int | float | str | None

HASH_LENGTH = 16
"""Hexadecimal digits of a hash that people are shown: 64 bits."""


def describe(value: Any) -> Any:
    """Return `value` as what JSON can hold.

    Arrays and tensors become shape, dtype and a hash of what they hold; functions and classes their
    name with a hash of their source where that can be had, and the plain values that they close
    over; dataclasses their fields. Of any other object there is its type, with its `fingerprint`
    and length where it has them.
    """
    if isinstance(value, Mapping):
        return {str(key): describe(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [describe(one) for one in value]
    if isinstance(value, torch.Tensor | np.ndarray):
        return _array(value)
    if isinstance(value, PLAIN | enum.Enum | np.generic | Path):
        return _plain(value)
    return _object(value)


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return _plain(value.value)
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        # 1 and 1.0 are the same rate.
        return int(value) if value.is_integer() else value if math.isfinite(value) else str(value)
    return value if isinstance(value, PLAIN) else str(value)


def _array(value: "torch.Tensor | np.ndarray[Any, Any]") -> dict[str, Any]:
    if isinstance(value, torch.Tensor):
        # NumPy has no bfloat16; float32 holds all of its numbers.
        is_narrow = value.dtype is torch.bfloat16
        array = (value.float() if is_narrow else value).numpy(force=True)
    else:
        array = value
    content = repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()
    return {
        "shape": list(value.shape),
        "dtype": str(value.dtype).removeprefix("torch."),
        "content": _hash(content),
    }


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, functools.partial):
        return {
            "partial": describe(value.func),
            "arguments": describe(value.args),
            "keywords": describe(value.keywords),
        }
    if inspect.ismethod(value):
        return {"method": fingerprint_of_factory(value), "of": describe(value.__self__)}
    if inspect.isroutine(value) or inspect.isclass(value):
        return _of_function(value)
    if dataclasses.is_dataclass(value):
        fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
        return {"type": type(value).__qualname__, **describe(fields)}
    return _of_unknown_type(value)


def _of_function(value: Any) -> dict[str, Any]:
    described: dict[str, Any] = {"function": fingerprint_of_factory(value)}
    if inspect.isfunction(value):
        closed_over = inspect.getclosurevars(value).nonlocals.items()
        plain = {name: describe(one) for name, one in closed_over if isinstance(one, PLAIN)}
        described |= {"closes over": plain} if plain else {}
    return described


def _of_unknown_type(value: Any) -> dict[str, Any]:
    described: dict[str, Any] = {"type": type(value).__qualname__}
    if callable(value):
        described["function"] = fingerprint_of_factory(value)
    fingerprint = getattr(value, "fingerprint", None)
    if isinstance(fingerprint, str):
        described["fingerprint"] = fingerprint
    if hasattr(value, "__len__"):
        described["length"] = len(value)
    return described


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:HASH_LENGTH]
