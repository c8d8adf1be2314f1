"""Every tuner, many times, on the trainings of the grid; each training is a look-up."""

import itertools
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import optuna
from data import Problem, problems
from grid import METRICS, TUNER_SEEDS
from ours import tune_ours
from peers import GRID_SEARCH, PEERS, Choice, search_grid, tune_with
from places import append, in_processes, rows
from truth import Table, load_tables

Row = dict[str, Any]

REPETITIONS = 30
"""Each with the training seeds in another order, and another seed of the sampler."""

WOLFSBANE = "wolfsbane"
PEERS_RUNS, OUR_RUNS = "replay", "replay-ours"
"""Lists of the cache."""

TUNERS = (WOLFSBANE, *PEERS, GRID_SEARCH)


def compute(jobs: int) -> None:
    """Run what the cache lacks."""
    in_processes(jobs, _part)


def runs() -> Iterator[Row]:
    """Yield what every run came to."""
    yield from rows(OUR_RUNS)
    yield from rows(PEERS_RUNS)


def _part(part: int, parts: int) -> None:
    optuna.logging.disable_default_handler()
    done = {(row["problem"], row["metric"], row["tuner"], row["repetition"]) for row in runs()}
    tables = load_tables()
    asked = [
        (problem, repetition)
        for repetition in range(REPETITIONS)
        for problem in problems()
        if problem.name in tables
    ]
    for problem, repetition in asked[part::parts]:
        for metric, tuner in itertools.product(METRICS, TUNERS):
            if (problem.name, metric, tuner, repetition) not in done:
                choice = _run(problem, tables[problem.name], metric, tuner, repetition)
                key = {"problem": problem.name, "metric": metric, "tuner": tuner}
                row = key | {"repetition": repetition} | asdict(choice)
                append(OUR_RUNS if tuner == WOLFSBANE else PEERS_RUNS, row)


def _run(problem: Problem, table: Table, metric: str, tuner: str, repetition: int) -> Choice:
    seeds = seeds_of(repetition)
    if tuner == WOLFSBANE:
        return tune_ours(problem, table, metric, seeds)
    if tuner == GRID_SEARCH:
        return search_grid(table, metric, seeds)
    return tune_with(PEERS[tuner], table, metric, seeds, repetition)


def seeds_of(repetition: int) -> tuple[int, ...]:
    """Return the training seeds that tuners may use, in this repetition's order."""
    drawn = np.random.default_rng(repetition).permutation(TUNER_SEEDS)
    return tuple(int(seed) for seed in drawn)
