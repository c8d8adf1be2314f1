"""Checks of public arguments, with the messages that a mistaken caller reads.

They are made once, at the public boundary. Nothing here imports torch.
"""

import difflib
import functools
import inspect
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn, ParamSpec, TypeVar

from wolfsbane.errors import ArgumentError, ArgumentTypeError

P = ParamSpec("P")
R = TypeVar("R")

NAMES_USED_ELSEWHERE = {
    "rate": "p",  # Keras, Flax
    "dropout_rate": "p",
    "drop_rate": "p",
    "drop_prob": "p",  # timm
    "dropout": "p",
    "dropout_p": "p",  # scaled_dot_product_attention
    "prob": "p",
    "probability": "p",
    "seed": "generator",  # Keras
    "rng": "generator",
    "epsilon": "eps",  # Keras, Flax
    "decay": "momentum",
    "num_channels": "num_features",
    "channels": "num_features",
    "center": "bias",  # Keras
}
"""Argument names of other libraries, and torch's word for the same thing."""

SMALLEST_PERCENTAGE, LARGEST_PERCENTAGE = 2, 100
"""A rate in this range was meant as a percentage; between 1 and 2 it may be a rounding error."""


def _number(value: object) -> float | None:
    """Return `value` as a float, or None where it is not one number."""
    is_bool = isinstance(value, bool) or str(getattr(value, "dtype", "")).endswith("bool")
    if is_bool or isinstance(value, str | bytes):
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None


def check_probability(p: object) -> float:
    """Return the drop probability `p` as a float in [0, 1], or raise.

    Raises:
        ArgumentTypeError: `p` is not a number (a bool is not one here).
        ArgumentError: `p` is nan or outside [0, 1].

    Examples:
        >>> check_probability(0.5)
        0.5
        >>> check_probability(30)
        Traceback (most recent call last):
            ...
        wolfsbane.errors.ArgumentError: dropout probability has to be between 0 and 1, but got 30. \
As a percentage that is p=0.3
    """
    if type(p) is float and 0.0 <= p <= 1.0:
        return p
    expected = f"dropout probability has to be between 0 and 1, but got {p!r}"
    number = _number(p)
    if number is None:
        raise ArgumentTypeError(f"{expected} (of type {type(p).__name__}). {_type_advice(p)}")
    if math.isnan(number):
        raise ArgumentError(f"{expected}. Look at where p was computed; p=0 switches dropout off")
    if SMALLEST_PERCENTAGE <= number <= LARGEST_PERCENTAGE:
        as_fraction = number / LARGEST_PERCENTAGE
        raise ArgumentError(f"{expected}. As a percentage that is p={as_fraction:g}")
    if not 0.0 <= number <= 1.0:
        raise ArgumentError(f"{expected}. p=0 keeps every element, p=1 drops every element")
    return number


def check_count(name: str, value: object) -> int:
    """Return a count as an integer of 1 or more, or raise.

    Raises:
        ArgumentTypeError: not an integer (a bool is not one here).
        ArgumentError: less than one.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ArgumentTypeError(f"{name} has to be a positive integer, but got {value!r}")
    number = operator.index(value)
    if number < 1:
        raise ArgumentError(f"{name} has to be a positive integer, but got {value}")
    return number


def check_share(name: str, value: object) -> float:
    """Return a share as a float in [0, 1], or raise.

    Raises:
        ArgumentTypeError: not a number.
        ArgumentError: outside [0, 1].
    """
    number = _number(value)
    if number is None:
        raise ArgumentTypeError(f"{name} has to be a number between 0 and 1, but got {value!r}")
    if not 0.0 <= number <= 1.0:
        is_percent = 1.0 < number <= LARGEST_PERCENTAGE
        percent = f". As a percentage that is {number / 100:g}" if is_percent else ""
        raise ArgumentError(f"{name} has to be between 0 and 1, but got {value}{percent}")
    return number


def _type_advice(p: object) -> str:
    if isinstance(p, bool):
        return (
            "A rate is a number, such as p=0.5; "
            "to switch dropout on or off use train() and eval(), or training="
        )
    if isinstance(p, str):
        with suppress(ValueError):
            if math.isfinite(number := float(p)):
                return f"Pass the number: p={number:g}"
        return "Pass a number, such as p=0.5"
    return "Pass one number, such as p=0.5"


def check_num_features(num_features: object) -> None:
    """Raise unless `num_features` is a positive integer (the number of channels C)."""
    if isinstance(num_features, bool) or not hasattr(num_features, "__index__"):
        raise ArgumentTypeError(
            f"num_features has to be a positive integer, but got {num_features!r} (of type "
            f"{type(num_features).__name__}). It is C, the size of dimension 1 of the input"
        )
    if int(num_features.__index__()) <= 0:
        raise ArgumentError(
            f"num_features has to be a positive integer, but got {num_features!r}. It is C, the "
            "size of dimension 1 of the input; LazyBatchNorm takes it from the first batch"
        )


def check_eps(eps: object) -> None:
    """Raise unless `eps` is a positive, finite number."""
    number = _number(eps)
    if number is None:
        raise ArgumentTypeError(
            f"batch_norm eps must be positive during training, but got {eps!r} (of type "
            f"{type(eps).__name__}). The default is eps=1e-5"
        )
    if not 0.0 < number < math.inf:
        raise ArgumentError(
            f"batch_norm eps must be positive during training, but got {eps!r}. It keeps the "
            "division finite where a channel is constant; the default is eps=1e-5"
        )


def check_momentum(momentum: object) -> None:
    """Raise unless `momentum` is None or a number in [0, 1]."""
    if momentum is None:
        return
    expected = f"batch_norm momentum has to be between 0 and 1, or None, but got {momentum!r}"
    number = _number(momentum)
    if number is None:
        raise ArgumentTypeError(f"{expected} (of type {type(momentum).__name__})")
    if not 0.0 <= number <= 1.0:
        raise ArgumentError(
            f"{expected}. It is the weight of the newest batch in the running statistics "
            "(Keras' momentum 0.99 is 0.01 here); None takes the plain average of all batches"
        )


def explain_unknown_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Turn a call's unknown keyword argument into an error that names the right one.

    The decorated function keeps its signature. A good call pays nothing but one more frame.
    """

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            raise_explained(error, function, args, kwargs)

    return checked


def raise_explained(
    error: TypeError, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> NoReturn:
    """Raise what a call of a function raised, or an error that names the argument meant."""
    parameters = inspect.signature(function).parameters
    unknown = [key for key in kwargs if key not in parameters]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if not unknown or takes_any or isinstance(error, ArgumentTypeError):
        raise error
    is_method = "self" in parameters
    name = type(args[0]).__name__ if is_method else function.__name__
    raise ArgumentTypeError(
        _unknown_argument_message(name, unknown[0], kwargs[unknown[0]], list(parameters))
    ) from None


def _unknown_argument_message(name: str, key: str, value: Any, parameters: list[str]) -> str:
    known = [parameter for parameter in parameters if parameter not in {"self", "cls"}]
    meant = NAMES_USED_ELSEWHERE.get(key)
    if meant not in known:
        meant = next(iter(difflib.get_close_matches(key, known, n=1)), None)
    said = f"{name}() got an unexpected keyword argument {key!r}"
    if meant is None:
        return f"{said}. It takes: {', '.join(known)}"
    suggestion = f"{meant}={value!r}" if meant == "p" else meant
    if key == "seed":
        suggestion = f"generator=torch.Generator().manual_seed({value!r})"
    return f"{said}: did you mean {suggestion}?"
