"""The grid as truth: means over the seeds that no tuner sees, their errors, and regrets."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from grid import EPOCHS, METRICS, PARTS, RATES, TRUTH_SEEDS, TUNER_SEEDS
from places import rows

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """All trainings of a problem: curves over epochs, by rate and seed."""

    problem: str
    cells: Mapping[tuple[float, int], Mapping[str, Any]]

    def curve(self, name: str, rate: float, seed: int) -> list[float]:
        """Return a metric, such as "validation_nll", one value an epoch."""
        values: list[float] = self.cells[round(rate, 1), seed][name]
        return values

    @property
    def epochs(self) -> int:
        """Of one training."""
        return EPOCHS

    def last(self, name: str, rate: float, seed: int) -> float:
        """Return a metric after the last epoch."""
        return self.curve(name, rate, seed)[-1]

    def array(self, name: str, seeds: tuple[int, ...]) -> Array:
        """Return a metric of every rate under some seeds, (rates, seeds, epochs)."""
        return np.array([[self.curve(name, rate, seed) for seed in seeds] for rate in RATES])


def load_tables() -> dict[str, Table]:
    """Return the tables of all problems of which the cache has every cell."""
    cells: dict[str, dict[tuple[float, int], dict[str, Any]]] = {}
    wanted = {f"{part}_{metric}" for part in PARTS for metric in METRICS} | {"test_ece"}
    for row in rows("cells"):
        kept = {name: row[name] for name in (*wanted, "reliability")}
        cells.setdefault(row["problem"], {})[row["rate"], row["seed"]] = kept
    number = len(RATES) * len(TRUTH_SEEDS + TUNER_SEEDS)
    return {name: Table(name, of) for name, of in cells.items() if len(of) == number}


@dataclass(frozen=True)
class Truth:
    """A test metric over the rates, as losses: less is better.

    Attributes:
        losses: (rates, seeds), after the last epoch.
        sign: what a loss is multiplied by to be the metric again: -1 for accuracy.
    """

    losses: Array
    sign: float

    @property
    def mean(self) -> Array:
        """Over seeds, of every rate."""
        return np.asarray(self.losses.mean(1))

    @property
    def errors(self) -> Array:
        """The standard error of every mean."""
        return np.asarray(self.losses.std(1, ddof=1) / math.sqrt(self.losses.shape[1]))

    @property
    def best(self) -> int:
        """The index of the best rate."""
        return int(self.mean.argmin())

    @property
    def error(self) -> float:
        """The standard error of the optimum's mean: what a regret is measured in."""
        return float(self.errors[self.best])

    def regret(self, rate: float) -> float:
        """Return how much worse than the optimum a rate is; between rates, on the line."""
        return float(np.interp(rate, RATES, self.mean) - self.mean.min())

    def paired_error(self, rate: float) -> float:
        """Return the standard error of a rate's difference to the optimum, seed by seed."""
        index = round(rate * 10)
        differences = self.losses[index] - self.losses[self.best]
        return float(differences.std(ddof=1) / math.sqrt(len(differences)))

    def gain(self, rate: float) -> float:
        """Return how much better than no dropout a rate is."""
        return float(self.mean[0] - np.interp(rate, RATES, self.mean))


def truth_of(table: Table, metric: str) -> Truth:
    """Return the truth of a metric on test data."""
    values = table.array(f"test_{metric}", TRUTH_SEEDS)[:, :, -1]
    sign = -1.0 if metric == "accuracy" else 1.0
    return Truth(sign * values, sign)
