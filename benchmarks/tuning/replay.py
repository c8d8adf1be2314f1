"""Every tuner, many times, on the trainings of the grid; each training is a look-up."""

from dataclasses import asdict
from typing import Any

import numpy as np
from data import problems
from grid import METRICS, TUNER_SEEDS
from peers import PEERS, tune_with
from places import append, in_processes, rows
from truth import load_tables

REPETITIONS = 40
"""Each with the training seeds in another order, and another seed of the sampler."""

WOLFSBANE = "wolfsbane"


def compute(jobs: int) -> None:
    """Run what the cache lacks."""
    in_processes(jobs, _part)


def _part(part: int, parts: int) -> None:
    import optuna  # noqa: PLC0415
    from ours import tune_ours  # noqa: PLC0415

    optuna.logging.disable_default_handler()
    done = {
        (row["problem"], row["metric"], row["tuner"], row["repetition"]) for row in rows("replay")
    }
    tables, known = load_tables(), {problem.name: problem for problem in problems()}
    tuners: dict[str, Any] = {peer.name: peer for peer in PEERS} | {WOLFSBANE: None}
    asked = [
        (name, metric, repetition, tuner)
        for name in tables
        for repetition in range(REPETITIONS)
        for metric in METRICS
        for tuner in tuners
    ]
    for name, metric, repetition, tuner in asked[part::parts]:
        if (name, metric, tuner, repetition) in done:
            continue
        seeds = seeds_of(repetition)
        if tuner == WOLFSBANE:
            choice = tune_ours(known[name], tables[name], metric, seeds)
        else:
            choice = tune_with(tuners[tuner], tables[name], metric, seeds, repetition)
        key = {"problem": name, "metric": metric, "tuner": tuner, "repetition": repetition}
        append("replay", key | asdict(choice))


def seeds_of(repetition: int) -> tuple[int, ...]:
    """Return the training seeds that tuners may use, in this repetition's order."""
    drawn = np.random.default_rng(repetition).permutation(TUNER_SEEDS)
    return tuple(int(seed) for seed in drawn)
