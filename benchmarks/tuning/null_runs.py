"""What is claimed of problems with nothing to gain: every training is a real one."""

import itertools
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import optuna
import torch
from grid import METRICS, PARTS, RATES, TRUTH_SEEDS
from nulls import NULLS, SEEDS_APART, Null
from ours import SPACE, choice_of
from peers import BUDGET, GRID_SEARCH, PEERS, Choice, search_grid, tune_with
from places import append, in_processes, rows

import wolfsbane
from wolfsbane.experiment.data import Pool, split
from wolfsbane.experiment.training import train_variant
from wolfsbane.experiment.variants import make_variants

REPETITIONS = 100
WOLFSBANE = "wolfsbane"
PEERS_RUNS, OUR_RUNS = "null", "null-ours"
"""Lists of the cache."""

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
    (variant,) = make_variants({"x": {"dropout": rate}}, null.model)
    run = train_variant(variant, data, seed, null.train, lambda: None)
    return {
        f"{part}_{metric}": [getattr(getattr(one, part), metric) for one in run.curve]
        for part in PARTS
        for metric in METRICS
    }


def compute(jobs: int, what: str) -> None:
    """Run what the cache lacks: "grid", "peers" or "ours"."""
    in_processes(jobs, {"grid": _grid, "peers": _peers, "ours": _ours}[what])


def runs() -> Iterator[dict[str, Any]]:
    """Yield what every run came to."""
    yield from rows(OUR_RUNS)
    yield from rows(PEERS_RUNS)


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
    torch.set_num_threads(1)
    optuna.logging.disable_default_handler()
    done = {(row["null"], row["metric"], row["tuner"], row["repetition"]) for row in runs()}
    names = [GRID_SEARCH, *(name for name, peer in PEERS.items() if peer.seeds == "fixed")]
    for null, repetition in _asked(part, parts):
        source = Trainings(null, repetition)
        for metric, name in itertools.product(null.metrics, names):
            if (null.name, metric, name, repetition) not in done:
                choice = _run(source, metric, name, repetition)
                _write(null, metric, name, repetition, choice)


def _run(source: Trainings, metric: str, name: str, repetition: int) -> Choice:
    first = repetition * SEEDS_APART
    seeds = tuple(range(first, first + BUDGET))
    if name == GRID_SEARCH:
        return search_grid(source, metric, seeds)
    return tune_with(PEERS[name], source, metric, seeds, repetition)


def _ours(part: int, parts: int) -> None:
    torch.set_num_threads(1)
    done = {(row["null"], row["metric"], row["tuner"], row["repetition"]) for row in runs()}
    for null, repetition in _asked(part, parts):
        for metric in null.metrics:
            if (null.name, metric, WOLFSBANE, repetition) not in done:
                _write(null, metric, WOLFSBANE, repetition, search_null(null, metric, repetition))


def search_null(null: Null, metric: str, repetition: int) -> Choice:
    """Tune on one repetition's data, with trainings of its own."""
    examples = null.pool(repetition).examples
    result = wolfsbane.tune(
        null.model,
        (examples.x.numpy(), examples.y.numpy()),
        space=dict(SPACE.dimensions),
        objective=metric,
        budget=BUDGET,
        train_size=null.train_size,
        train=null.train,
        seed=repetition * SEEDS_APART,
        jobs=1,
    )
    return choice_of(result.answer)


def _asked(part: int, parts: int) -> list[tuple[Null, int]]:
    asked = [(null, repetition) for repetition in range(REPETITIONS) for null in NULLS]
    return asked[part::parts]


def _write(null: Null, metric: str, tuner: str, repetition: int, choice: Choice) -> None:
    key = {"null": null.name, "metric": metric, "tuner": tuner, "repetition": repetition}
    append(OUR_RUNS if tuner == WOLFSBANE else PEERS_RUNS, key | asdict(choice))
