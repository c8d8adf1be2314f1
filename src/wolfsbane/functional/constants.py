"""Checks of the constants in an activation's formula."""

import math

from wolfsbane.errors import ArgumentError, ArgumentTypeError


def check_number(name: str, value: object, advice: str) -> float:
    """Return a finite number as a float, or raise with what the number means."""
    expected = f"{name} has to be a finite number, but got {value!r}"
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
        raise ArgumentTypeError(f"{expected} (of type {type(value).__name__}). {advice}")
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentTypeError(f"{expected}. {advice}") from error
    if not math.isfinite(number):
        raise ArgumentError(f"{expected}. {advice}")
    return number


def check_above(name: str, value: object, bound: float, advice: str) -> float:
    """Return a finite number larger than a bound as a float, or raise."""
    number = check_number(name, value, advice)
    if number <= bound:
        raise ArgumentError(f"{name} has to be larger than {bound:g}, but got {value!r}. {advice}")
    return number


def check_dim(dim: object) -> None:
    """Raise unless a dimension is named by an integer."""
    if isinstance(dim, bool) or not hasattr(dim, "__index__"):
        raise ArgumentTypeError(
            f"dim has to be an integer, but got {dim!r} (of type {type(dim).__name__}). It counts "
            "the input's dimensions from 0, or from the last one, which is -1"
        )
