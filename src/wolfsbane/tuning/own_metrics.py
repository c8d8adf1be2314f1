"""The metrics of an epoch that a training loop has measured itself, checked."""

import difflib
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from wolfsbane.errors import ModelError

PARTS = ("train", "validation", "test")
"""Of the data; a metric's name is one of them, an underscore, and the metric."""


def read_metrics(
    where: str, given: Mapping[str, Any], needed: str, before: Collection[str]
) -> dict[str, float]:
    """Return the metrics of an epoch as numbers.

    Args:
        where: the training and the epoch, for messages.
        given: metrics by name; numbers, or tensors and arrays without dimensions.
        needed: the objective's metric on validation data.
        before: the metrics of the epochs before; empty for the first.

    Raises:
        ModelError: one is missing, is no finite number, or was not there in the epochs before.
    """
    metrics = {
        read_name(where, name, [needed, *before]): read_number(where, name, value)
        for name, value in given.items()
    }
    if needed not in metrics:
        raise ModelError(
            f"{where}: the objective's metric {needed!r} is missing{_meant(needed, metrics)} "
            f"Given: {_listed(metrics)}"
        )
    if before and set(metrics) != set(before):
        raise ModelError(
            f"{where}: metrics have to be the same in every epoch, but got {_listed(metrics)}, and "
            f"before that {_listed(before)}"
        )
    return metrics


def read_name(where: str, name: object, known: Iterable[str]) -> str:
    """Return a metric's name.

    Raises:
        ModelError: it does not say of which part of the data it is.
    """
    part, _, metric = str(name).partition("_")
    if not isinstance(name, str) or part not in PARTS or not metric:
        raise ModelError(
            f"{where}: a metric's name is train_, validation_ or test_ and the metric, but got "
            f"{name!r}{_meant(str(name), known)}"
        )
    return name


def read_number(where: str, name: str, value: Any) -> float:
    """Return a metric's value.

    Raises:
        ModelError: it is no number, or not finite.
    """
    number = value.item() if getattr(value, "ndim", None) == 0 else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ModelError(f"{where}: {name} has to be a number, but got {value!r}")
    if not math.isfinite(number):
        raise ModelError(
            f"{where}: training diverged: {name} is {number}. Lower the learning rate, or look for "
            "what overflows"
        )
    return float(number)


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f": did you mean {close[0]!r}?" if close else "."


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
