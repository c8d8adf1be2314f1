"""Drop probabilities as a mask has them: multiples of 1 / 65536."""

import math
from typing import TypeAlias, overload

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from wolfsbane.arguments import check_probability
from wolfsbane.errors import ArgumentError, ArgumentTypeError

LEVELS = 65536
"""A drop probability is a multiple of 1 / LEVELS: sixteen random bits an element."""

LARGEST_BELOW_ONE = 1.0 - 1.0 / LEVELS
"""Above it, and nowhere else, a rate may round to 1."""

Rate: TypeAlias = float | Tensor
"""A drop probability; a tensor where `torch.func.vmap` maps over rates."""


@overload
def threshold(p: float) -> int: ...
@overload
def threshold(p: Tensor) -> Tensor: ...
def threshold(p: Rate) -> int | Tensor:
    """Return T = round(65536 p): an element is kept where its sixteen bits are at least T.

    Args:
        p: drop probability in [0, 1]; a tensor's numbers are not looked at.

    Raises:
        ArgumentError, ArgumentTypeError: `p` is not a probability.

    Examples:
        >>> threshold(0.5)
        32768
    """
    if isinstance(p, Tensor):
        return (p.double() * LEVELS).round().to(torch.int64)
    if type(p) is float and 0.0 <= p <= 1.0:
        return round(LEVELS * p)
    return round(LEVELS * check_probability(p))


@overload
def scale(p: float) -> float: ...
@overload
def scale(p: Tensor) -> Tensor: ...
def scale(p: Rate) -> Rate:
    """Return 65536 / (65536 - T), the inverse of the true keep rate; infinite where T = 65536.

    Args:
        p: drop probability in [0, 1]; a tensor's numbers are not looked at.

    Raises:
        ArgumentError, ArgumentTypeError: `p` is not a probability.

    Examples:
        >>> scale(0.5)
        2.0
    """
    kept = LEVELS - threshold(p)
    if isinstance(kept, Tensor):
        return LEVELS / kept.double()
    return LEVELS / kept if kept else math.inf


def check_rate(p: object) -> Rate:
    """Return the drop probability `p` as a float in [0, 1], or raise.

    A tensor that torch.func.vmap maps over, or that torch.compile traces, is returned as it is: its
    numbers are not to be had. Another without dimensions is a number.
    """
    if type(p) is float and 0.0 <= p <= 1.0:  # nearly always, and asked in every call
        return p
    if not isinstance(p, Tensor):
        return check_probability(p)
    if p.dim() != 0 or not p.is_floating_point():
        raise ArgumentTypeError(
            "dropout probability has to be a number or a floating-point tensor without dimensions, "
            f"but got a tensor of {p.dtype} with shape {tuple(p.shape)}. For a rate of each model "
            "map over it with torch.func.vmap"
        )
    if torch.compiler.is_compiling() or is_functorch_wrapped_tensor(p):
        return p
    return check_probability(p.detach())


def drops_all(p: float) -> bool:
    """Tell whether p rounds to 1."""
    return p > LARGEST_BELOW_ONE and threshold(p) == LEVELS


def check_rates(p: Tensor) -> None:
    """Raise unless all numbers of a tensor are probabilities.

    Raises:
        ArgumentError: they are not.
    """
    if not ((p >= 0) & (p <= 1)).all():
        raise ArgumentError(
            f"dropout probability has to be between 0 and 1, but got {p.detach().tolist()}. p=0 "
            "keeps every element, p=1 drops every element"
        )


def never_drops(p: object) -> bool:
    """Tell whether p is the number 0. A tensor draws a key whatever its number, traced or not."""
    return not isinstance(p, Tensor) and p == 0
