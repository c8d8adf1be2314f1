"""What may be chosen: dimensions by name, the configurations they make, as Optuna sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.tuning.dimensions import Choice, Dimension, Rate, Value
from wolfsbane.tuning.grid import points

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Choice", "Configuration", "Dimension", "Rate", "Space", "Value", "make_space"]

RESERVED = "seed"
"""The name that a trial's seed has beside the dimensions."""


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
    """Named dimensions. Make it with `make_space`, which checks.

    Attributes:
        dimensions: names, and what each may be.
        are_paths: whether the names are patterns of a model's paths, not arguments of a factory.
    """

    dimensions: tuple[tuple[str, Dimension], ...]
    are_paths: bool = field(default=False, kw_only=True)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all dimensions."""
        return tuple(name for name, _ in self.dimensions)

    @property
    def rates(self) -> tuple[str, ...]:
        """Names of the dimensions that are drop rates."""
        return tuple(name for name, found in self.dimensions if isinstance(found, Rate))

    @property
    def baseline(self) -> Configuration:
        """Nothing dropped, and the first of all options; trained whether it is allowed or not."""
        return Configuration(
            tuple(
                (name, 0.0 if isinstance(found, Rate) else found.options[0])
                for name, found in self.dimensions
            )
        )

    @property
    def extreme(self) -> Configuration:
        """All rates at their highest, and the first of all options."""
        return Configuration(
            tuple(
                (name, found.values[-1] if isinstance(found, Rate) else found.options[0])
                for name, found in self.dimensions
            )
        )

    @property
    def distributions(self) -> "dict[str, BaseDistribution]":
        """The space as Optuna has it. Rates reach down to 0, which is always trained."""
        from optuna.distributions import (  # noqa: PLC0415  # Rate and Choice need no Optuna
            CategoricalDistribution,
            FloatDistribution,
        )

        return {
            name: CategoricalDistribution(found.options)
            if isinstance(found, Choice)
            else FloatDistribution(0.0, found.high)
            for name, found in self.dimensions
        }

    def allows(self, configuration: Configuration) -> bool:
        """Whether a configuration may be chosen; the baseline may not where a rate starts above 0.

        Examples:
            >>> space = make_space({"p": Rate(0.1, 0.5)})
            >>> space.allows(space.baseline), space.allows(space.extreme)
            (False, True)
        """
        values = configuration.as_dict()
        return values.keys() == set(self.names) and all(
            found.allows(values[name]) for name, found in self.dimensions
        )

    def candidates(self) -> tuple[Configuration, ...]:
        """Return the configurations that may be trained, the baseline first, each once.

        All but the baseline may be chosen too; of that `allows` tells.
        """
        grid = [
            Configuration(tuple(zip(self.names, point, strict=True)))
            for point in points([found.values for _, found in self.dimensions])
        ]
        return tuple(dict.fromkeys([self.baseline, self.extreme, *grid]))

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

    def __str__(self) -> str:
        return ",".join(f"{name}={found}" for name, found in self.dimensions)


def make_space(dimensions: Mapping[str, Dimension]) -> Space:
    """Check the dimensions of a space.

    Args:
        dimensions: names, and what each may be.

    Raises:
        ArgumentError: there is none, no rate among them, or one is named "seed".
        ArgumentTypeError: not a dictionary of names and Rate or Choice.

    Examples:
        >>> space = make_space({"dropout": Rate(0, 0.5), "activation": Choice("relu", "gelu")})
        >>> print(space.baseline)
        dropout=0, activation=relu
        >>> len(space.candidates())
        22
    """
    if not isinstance(dimensions, Mapping):
        raise ArgumentTypeError(
            "space is a dictionary such as {'dropout': Rate(0, 0.9), 'activation': "
            f"Choice('relu', 'gelu')}}, but got {dimensions!r}"
        )
    for name, found in dimensions.items():
        if not isinstance(name, str) or not name:
            raise ArgumentTypeError(f"space: a name has to be a text, but got {name!r}")
        if not isinstance(found, Rate | Choice):
            raise ArgumentTypeError(
                f"space: {name!r} has to be a Rate or a Choice, such as Rate(0, 0.9), but got "
                f"{found!r}"
            )
    if RESERVED in dimensions:
        raise ArgumentError(
            "space: 'seed' is no dimension: every configuration is trained under several seeds, "
            "and the luckiest proves nothing. Leave it out"
        )
    if not any(isinstance(found, Rate) for found in dimensions.values()):
        raise ArgumentError(
            "space has no Rate: there is no drop rate to be found. Add one, such as "
            "{'dropout': Rate(0, 0.9)}"
        )
    return Space(tuple(dimensions.items()))
