"""What is claimed of problems with nothing to gain: every training is a real one."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from concrete import Training
from grid import PARTS, RATES, TRUTH_SEEDS, METRICS
from nulls import NULLS, SEEDS_APART, Null
from peers import PEERS, Choice, Peer, tune_with
from places import append, in_processes, rows

from wolfsbane.experiment.data import Data, Pool, split
from wolfsbane.experiment.training import train_variant
from wolfsbane.experiment.variants import make_variants

REPETITIONS = 100
WOLFSBANE = "wolfsbane"

DENSE = 10_000
"""Added to a repetition's number: the dense grid has data of its own."""


class Trainings:
    """The trainings of one repetition, each made when it is first asked for."""

    def __init__(self, null: Null, repetition: int) -> None:
        self._null = null
        self._pool = null.pool(repetition)
        self._made: dict[tuple[float, int], dict[str, list[float]]] = {}

    @property
    def epochs(self) -> int:
        """Of one training."""
        return self._null.train.epochs

    def curve(self, name: str, rate: float, seed: int) -> list[float]:
        """Return a metric, such as "validation_nll", one value an epoch."""
        rate = round(rate, 1)
        if (rate, seed) not in self._made:
            self._made[rate, seed] = train(self._null, self._pool, rate, seed)
        return self._made[rate, seed][name]


def train(null: Null, pool: Pool, rate: float, seed: int) -> dict[str, list[float]]:
    """Train at one rate under one seed; return the curves."""
    data = split(pool, null.train_size, seed)
    (variant,) = make_variants({"x": lambda: null.network(rate, data)})
    run = train_variant(variant, data, seed, null.train, lambda: None)
    return {
        f"{part}_{metric}": [getattr(getattr(one, part), metric) for one in run.curve]
        for part in PARTS
        for metric in METRICS
    }


def compute(jobs: int, what: str) -> None:
    """Run what the cache lacks: "grid", "peers" or "ours"."""
    in_processes(jobs, {"grid": _grid, "peers": _peers, "ours": _ours}[what])


def _grid(part: int, parts: int) -> None:
    done = {(row["null"], row["seed"]) for row in rows("null-grid")}
    asked = [(null, seed) for null in NULLS for seed in TRUTH_SEEDS]
    for null, seed in asked[part::parts]:
        if (null.name, seed) in done:
            continue
        source = Trainings(null, DENSE + seed)
        for metric in METRICS:
            values = [source.curve(f"test_{metric}", rate, seed)[-1] for rate in RATES]
            row = {"null": null.name, "metric": metric, "seed": seed, "values": values}
            append("null-grid", row)


def _peers(part: int, parts: int) -> None:
    import optuna  # noqa: PLC0415  # a second of import

    optuna.logging.disable_default_handler()
    done = {(row["null"], row["metric"], row["tuner"], row["repetition"]) for row in rows("null")}
    peers = [peer for peer in PEERS if peer.seeds == "fixed"]
    for null, repetition in _asked(part, parts):
        source = Trainings(null, repetition)
        first = repetition * SEEDS_APART
        for metric in null.metrics:
            for peer in peers:
                if (null.name, metric, peer.name, repetition) not in done:
                    choice = tune_with(
                        peer, source, metric, tuple(range(first, first + 12)), repetition
                    )
                    _write(null, metric, peer.name, repetition, choice)


def _asked(part: int, parts: int) -> list[tuple[Null, int]]:
    asked = [(null, repetition) for repetition in range(REPETITIONS) for null in NULLS]
    return asked[part::parts]


def _write(null: Null, metric: str, tuner: str, repetition: int, choice: Choice) -> None:
    key = {"null": null.name, "metric": metric, "tuner": tuner, "repetition": repetition}
    append("null", key | asdict(choice))
