"""What one name of a space may be: a drop rate between two, or one of several options."""

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np

from wolfsbane.arguments import check_probability
from wolfsbane.errors import ArgumentError, ArgumentTypeError

Value = float | int | bool | str | None
"""What a dimension of a space can be: a rate, or an option."""

SMALLEST_STEP = 0.001
"""Between rates. Trainings cannot tell even 0.05 apart, so finer ones only cost time."""

DEFAULT_STEP = 0.05

DIGITS = 10
"""To which rates are rounded, so that three steps of 0.1 are 0.3."""


@dataclass(frozen=True)
class Rate:
    """A drop rate to be found, in steps from `low` towards `high`.

    The rate 0 is always trained, since gains are measured against it, but it is chosen only where
    `low` is 0.

    Args:
        low: the least drop probability, in [0, 1].
        high: the greatest, above `low`. The last step may fall short of it.
        step: between neighbouring rates, at least 0.001. Finer ones than the default 0.05 differ by
            less than trainings do.

    Raises:
        ArgumentError: `low` or `high` is no probability, or `step` does not fit between them.
        ArgumentTypeError: one of them is not a number.

    Examples:
        >>> Rate(0, 0.3, step=0.1).values
        (0.0, 0.1, 0.2, 0.3)
        >>> Rate(0, 90)
        Traceback (most recent call last):
            ...
        wolfsbane.errors.ArgumentError: dropout probability has to be between 0 and 1, but got 90. \
As a percentage that is p=0.9
    """

    low: float = 0.0
    high: float = 0.9
    step: float = DEFAULT_STEP

    def __post_init__(self) -> None:
        low, high = check_probability(self.low), check_probability(self.high)
        if not low < high:
            raise ArgumentError(f"Rate: low has to be below high, but got {low:g} and {high:g}")
        step = _check_step(self.step, high - low)
        for name, value in (("low", low), ("high", high), ("step", step)):
            object.__setattr__(self, name, value)

    @property
    def values(self) -> tuple[float, ...]:
        """All rates, the lowest first."""
        number = math.floor((self.high - self.low) / self.step + 1e-9) + 1
        return tuple(round(self.low + index * self.step, DIGITS) for index in range(number))

    def allows(self, value: Value) -> bool:
        """Whether a rate lies between the lowest and the highest."""
        if isinstance(value, bool) or not isinstance(value, float | int):
            return False
        return self.values[0] <= round(value, DIGITS) <= self.values[-1]

    def __str__(self) -> str:
        step = "" if self.step == DEFAULT_STEP else f":{self.step!r}"
        return f"{self.low!r}..{self.high!r}{step}"


def _check_step(step: object, most: float) -> float:
    if isinstance(step, bool) or not isinstance(step, Real):
        raise ArgumentTypeError(
            f"Rate: step has to be a number, but got {step!r} (of type {type(step).__name__})"
        )
    number = float(step)
    if not SMALLEST_STEP <= number <= most + 1e-9:  # 0.3 - 0.2 is less than 0.1
        raise ArgumentError(
            f"Rate: step has to be between {SMALLEST_STEP:g} and high - low = {most:g}, but got "
            f"{step}. It is the difference between neighbouring rates; the default is "
            f"{DEFAULT_STEP:g}"
        )
    return number


@dataclass(frozen=True, init=False)
class Choice:
    """Options of which one is to be found.

    Args:
        options: two different ones or more: numbers, truth values, texts or None, which can be
            stored. The first is what the others are compared with.

    Raises:
        ArgumentError: fewer than two, or an option that is there twice.
        ArgumentTypeError: an option that cannot be stored, such as a class.

    Examples:
        >>> Choice("relu", "gelu").values
        ('relu', 'gelu')
        >>> Choice(False, True).values
        (False, True)
    """

    options: tuple[Value, ...]

    def __init__(self, *options: Value) -> None:
        for option in options:
            _check_option(option)
        if len(options) < 2:  # noqa: PLR2004
            raise ArgumentError(
                f"Choice: expected two options or more, as in Choice('relu', 'gelu'), but got "
                f"{len(options)}: {options}. What is to stay as it is needs no Choice"
            )
        twice = next((one for one in options if options.count(one) > 1), options)
        if twice is not options:
            raise ArgumentError(
                f"Choice: option {twice!r} is there twice in {options}. 1, 1.0 and True are equal"
            )
        object.__setattr__(self, "options", options)

    @property
    def values(self) -> tuple[Value, ...]:
        """The options."""
        return self.options

    def allows(self, value: Value) -> bool:
        """Whether a value is one of the options."""
        return value in self.options

    def __str__(self) -> str:
        return "|".join(str(option) for option in self.options)


def _check_option(option: object) -> None:
    if isinstance(option, list | tuple | set | range | np.ndarray):
        raise ArgumentTypeError(
            f"Choice: options are given one by one, as in Choice('relu', 'gelu'), but got {option}"
        )
    if type(option) not in {bool, int, float, str, type(None)}:
        raise ArgumentTypeError(
            "Choice: an option has to be a number, a truth value, a text or None, which can be "
            f"stored, but got {option!r} (of type {type(option).__name__}). Give names, and let "
            "the factory look up what they stand for: {'gelu': torch.nn.GELU}[activation]()"
        )
    if isinstance(option, float) and not math.isfinite(option):
        raise ArgumentError(f"Choice: an option has to be a finite number, but got {option}")


Dimension = Rate | Choice
