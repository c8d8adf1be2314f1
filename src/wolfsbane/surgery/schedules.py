"""How much of its rate a model drops at a step of training: schedules for `RateScheduler`."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

from wolfsbane.arguments import check_probability
from wolfsbane.errors import ArgumentError, ArgumentTypeError


@dataclass(frozen=True, repr=False)
class Schedule:
    """A function from a step (0, 1, 2, ...) to a factor in [0, 1], and the words that show it."""

    text: str
    factor: Callable[[int], float]

    def __call__(self, step: int) -> float:
        return self.factor(step)

    def __repr__(self) -> str:
        return self.text


def constant(factor: float = 1.0) -> Schedule:
    r"""Return the schedule that keeps a part of the rate all the time.

    $$p_t = factor \cdot p$$

    Args:
        factor: the part, in [0, 1]. Default: 1.

    Raises:
        ArgumentError, ArgumentTypeError: not in [0, 1].

    Examples:
        >>> constant(0.5)(7)
        0.5
    """
    return Schedule(f"constant({factor:g})", functools.partial(_constant, check_factor(factor)))


def early(cutoff: int) -> Schedule:
    r"""Return the schedule of early dropout: linear to zero at a cutoff, and zero from there.

    $$p_t = p \, \max(0, 1 - t / cutoff)$$

    The paper counts batches, and its code reaches zero one batch earlier. It is meant against
    underfitting: dropout at the beginning aligns the gradients of the batches, and the model fits
    better without it afterwards.

    Args:
        cutoff: the first step without dropout, in calls of `RateScheduler.step`; at least 1.

    Raises:
        ArgumentError, ArgumentTypeError: not a positive integer.

    Examples:
        >>> [early(cutoff=4)(step) for step in range(6)]
        [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]

    References:
        Liu et al. 2023, Dropout Reduces Underfitting, arXiv:2303.01500.
    """
    return Schedule(f"early({cutoff})", functools.partial(_early, _check_cutoff(cutoff)))


def late(cutoff: int) -> Schedule:
    r"""Return the schedule of late dropout: zero before a cutoff, the whole rate from there.

    $$p_t = 0 \text{ for } t < cutoff, \quad p \text{ for } t \ge cutoff$$

    Args:
        cutoff: the first step with dropout, in calls of `RateScheduler.step`; at least 1.

    Raises:
        ArgumentError, ArgumentTypeError: not a positive integer.

    Examples:
        >>> [late(cutoff=2)(step) for step in range(4)]
        [0.0, 0.0, 1.0, 1.0]

    References:
        Liu et al. 2023, Dropout Reduces Underfitting, arXiv:2303.01500.
    """
    return Schedule(f"late({cutoff})", functools.partial(_late, _check_cutoff(cutoff)))


def curriculum(gamma: float) -> Schedule:
    r"""Return the schedule of curriculum dropout: from zero it grows towards the rate.

    $$p_t = p \, (1 - e^{-\gamma t})$$

    Args:
        gamma: how fast, per call of `RateScheduler.step`; positive. The paper's rule is 10 / T
            for T steps (its batches) in all: what is then missing is e^-10, under 1e-4 of the rate.

    Raises:
        ArgumentError, ArgumentTypeError: not a positive, finite number.

    Examples:
        >>> [round(curriculum(gamma=10 / 100)(step), 3) for step in (0, 10, 50, 100)]
        [0.0, 0.632, 0.993, 1.0]

    References:
        Morerio et al. 2017, Curriculum Dropout, arXiv:1703.06229.
    """
    expected = f"gamma has to be a positive, finite number, such as 10 / steps, but got {gamma!r}"
    if isinstance(gamma, bool) or not isinstance(gamma, (int, float)):
        raise ArgumentTypeError(expected)
    if not 0.0 < gamma < math.inf:
        raise ArgumentError(expected)
    return Schedule(f"curriculum({gamma:g})", functools.partial(_curriculum, gamma))


def check_factor(factor: object) -> float:
    """Return a schedule's factor as a float, or raise unless it is in [0, 1]."""
    try:
        return check_probability(factor)
    except (ArgumentError, ArgumentTypeError) as error:
        raise type(error)(
            "a schedule returns the part of each rate to drop, between 0 and 1, but this one gave "
            f"{factor!r}. The rate itself is set with surgery.set_rates"
        ) from None


def _check_cutoff(cutoff: int) -> int:
    expected = f"cutoff has to be a positive integer, a number of steps, but got {cutoff!r}"
    if isinstance(cutoff, bool) or not hasattr(cutoff, "__index__"):
        raise ArgumentTypeError(expected)
    if cutoff.__index__() < 1:
        raise ArgumentError(expected)
    return cutoff.__index__()


def _constant(factor: float, step: int) -> float:
    del step
    return factor


def _early(cutoff: int, step: int) -> float:
    return max(0.0, 1.0 - step / cutoff)


def _late(cutoff: int, step: int) -> float:
    return float(step >= cutoff)


def _curriculum(gamma: float, step: int) -> float:
    return -math.expm1(-gamma * step)
