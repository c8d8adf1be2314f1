"""What may be chosen: drop rates and options, the configurations they make, as Optuna sees them."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
)

from wolfsbane.arguments import check_probability
from wolfsbane.errors import ArgumentError, ArgumentTypeError

Value = float | int | bool | str | None
"""What a dimension of a space can be: a rate, or an option."""

LARGEST_GRID = 512
"""Configurations up to which a space is searched whole; of larger ones that many are drawn."""


@dataclass(frozen=True)
class Rate:
    """A drop rate to be found, in steps.

    Args:
        low: the least drop probability.
        high: the greatest, at least `low`.
        step: between neighbouring rates. Finer ones than 0.05 differ by less than trainings do.
    """

    low: float = 0.0
    high: float = 0.9
    step: float = 0.05

    def __post_init__(self) -> None:
        check_probability(self.low)
        check_probability(self.high)
        if not self.low < self.high:
            raise ArgumentError(f"Rate: low has to be below high, but got {self.low}, {self.high}")
        if not 0.0 < self.step <= self.high - self.low:
            raise ArgumentError(
                f"Rate: step has to be between 0 and high - low = {self.high - self.low:g}, but "
                f"got {self.step}"
            )

    @property
    def values(self) -> tuple[float, ...]:
        """All rates from low to high."""
        number = math.floor((self.high - self.low) / self.step + 1e-9) + 1
        return tuple(round(self.low + index * self.step, 10) for index in range(number))


@dataclass(frozen=True, init=False)
class Choice:
    """Options of which one is to be found: `Choice("relu", "gelu")`, `Choice(False, True)`.

    Args:
        options: two or more; the first is what the others are compared with.
    """

    options: tuple[Value, ...]

    def __init__(self, *options: Value) -> None:
        if len(options) < 2 or len(set(options)) < len(options):  # noqa: PLR2004
            raise ArgumentError(
                f"Choice: expected two different options or more, but got {options}"
            )
        object.__setattr__(self, "options", options)

    @property
    def values(self) -> tuple[Value, ...]:
        """The options."""
        return self.options


Dimension = Rate | Choice


@dataclass(frozen=True)
class Configuration:
    """One point of a space: a value for each name."""

    values: tuple[tuple[str, Value], ...]

    def as_dict(self) -> dict[str, Value]:
        """Return names and values."""
        return dict(self.values)

    def __str__(self) -> str:
        return ", ".join(
            f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in self.values
        )


@dataclass(frozen=True)
class Space:
    """Named dimensions. Make it with `make_space`, which checks."""

    dimensions: tuple[tuple[str, Dimension], ...]

    @property
    def rates(self) -> tuple[str, ...]:
        """Names of the dimensions that are drop rates."""
        return tuple(name for name, found in self.dimensions if isinstance(found, Rate))

    @property
    def baseline(self) -> Configuration:
        """Nothing dropped, and the first of all options."""
        return self._first(0.0)

    @property
    def extreme(self) -> Configuration:
        """All rates at their highest, and the first of all options."""
        return self._first(None)

    def _first(self, rate: float | None) -> Configuration:
        return Configuration(
            tuple(
                (name, (found.high if rate is None else rate))
                if isinstance(found, Rate)
                else (name, found.options[0])
                for name, found in self.dimensions
            )
        )

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The space as Optuna has it. Rates reach down to 0, which is always trained."""
        return {name: _distribution(found) for name, found in self.dimensions}

    def candidates(self) -> tuple[Configuration, ...]:
        """Return the configurations that can be chosen, the baseline first, each once."""
        names = [name for name, _ in self.dimensions]
        values = [found.values for _, found in self.dimensions]
        size = math.prod(map(len, values))
        points: Sequence[tuple[Value, ...]]
        if size <= LARGEST_GRID:
            points = list(itertools.product(*values))
        else:
            points = _drawn(values)
        grid = [Configuration(tuple(zip(names, point, strict=True))) for point in points]
        return tuple(dict.fromkeys([self.baseline, *grid]))

    def encode(self, configurations: Sequence[Configuration]) -> npt.NDArray[np.float64]:
        """Return points (N, columns): a rate is its own column, an option one of its choice's."""
        rows = [[*self._columns(one.as_dict())] for one in configurations]
        return np.asarray(rows, dtype=np.float64)

    def _columns(self, values: Mapping[str, Value]) -> list[float]:
        columns: list[float] = []
        for name, found in self.dimensions:
            if isinstance(found, Rate):
                columns.append(float(values[name]))  # type: ignore[arg-type]  # a rate is a number
            else:
                columns += [float(values[name] == option) for option in found.options]
        return columns


def _distribution(found: Dimension) -> BaseDistribution:
    if isinstance(found, Choice):
        return CategoricalDistribution(found.options)
    return FloatDistribution(0.0, found.high)


def _drawn(values: Sequence[tuple[Value, ...]]) -> list[tuple[Value, ...]]:
    """Return points of a space too large to be listed, spread evenly (Sobol)."""
    from scipy.stats import qmc  # noqa: PLC0415  # half a second of import

    shares = qmc.Sobol(len(values), rng=0).random(LARGEST_GRID)
    return [
        tuple(of[int(share * len(of))] for of, share in zip(values, row, strict=True))
        for row in shares
    ]


def make_space(dimensions: Mapping[str, Dimension]) -> Space:
    """Check the dimensions of a space.

    Raises:
        ArgumentError: there is none, or no rate among them.
        ArgumentTypeError: not a dictionary of names and Rate or Choice.
    """
    if not isinstance(dimensions, Mapping):
        raise ArgumentTypeError(
            "space is a dictionary such as {'dropout': Rate(0, 0.9), 'activation': "
            f"Choice('relu', 'gelu')}}, but got {dimensions!r}"
        )
    for name, found in dimensions.items():
        if not isinstance(name, str) or not isinstance(found, Rate | Choice):
            raise ArgumentTypeError(
                f"space: {name!r} has to be a Rate or a Choice, but got {found!r}"
            )
    if not any(isinstance(found, Rate) for found in dimensions.values()):
        raise ArgumentError("space has no Rate: there is no drop rate to be found")
    return Space(tuple(dimensions.items()))
