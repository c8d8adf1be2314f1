"""The dense grid: every rate under every seed, trained once and kept."""

import dataclasses
import json
from typing import Any

from data import Problem, load_pool, problems
from places import append, in_processes, rows

from wolfsbane.experiment.data import Data, add_label_noise, split
from wolfsbane.experiment.training import AdamW, Run, train_variant
from wolfsbane.experiment.variants import make_variants

RATES = tuple(step / 10 for step in range(10))
TRUTH_SEEDS = tuple(range(8))
"""What the truth is the mean of; no tuner ever sees them."""

TUNER_SEEDS = tuple(range(100, 112))
"""What tuners train under."""

EPOCHS = 60
PARTS = ("train", "validation", "test")
METRICS = ("nll", "accuracy")


def compute(jobs: int) -> None:
    """Train what the cache lacks."""
    in_processes(jobs, _part)


def _part(part: int, parts: int) -> None:
    done = {(row["problem"], row["rate"], row["seed"]) for row in rows("cells")}
    asked = [
        (problem, seed)
        for seeds in (TRUTH_SEEDS, TUNER_SEEDS)
        for problem in problems()
        for seed in seeds
    ]
    for problem, seed in asked[part::parts]:
        missing = [rate for rate in RATES if (problem.name, rate, seed) not in done]
        if missing:
            data = data_of(problem, seed)
            for rate in missing:
                append("cells", cell(problem, data, rate, seed))


def data_of(problem: Problem, seed: int) -> Data:
    """Return a problem's examples as one seed draws them."""
    data = split(load_pool(problem.data), problem.train_size, seed)
    return add_label_noise(data, problem.label_noise, seed)


def cell(problem: Problem, data: Data, rate: float, seed: int) -> dict[str, Any]:
    """Train the default network at one rate under one seed; return the row of the cache."""
    (variant,) = make_variants({"x": {"dropout": rate}})
    run = train_variant(variant, data, seed, AdamW(EPOCHS), lambda: None)
    return {"problem": problem.name, "rate": rate, "seed": seed, **row_of(run)}


def row_of(run: Run) -> dict[str, Any]:
    """Return the curves of a run, and its reliability, for the cache."""
    curves = {
        f"{part}_{metric}": [getattr(getattr(one, part), metric) for one in run.curve]
        for part in PARTS
        for metric in METRICS
    }
    errors = [one.calibration_error for one in run.curve]
    return {**curves, "test_ece": errors, "reliability": dataclasses.asdict(run.reliability)}


def check(every: int) -> int:
    """Train every so-many-th cell of the cache again; return how many, all the same bit by bit."""
    known = {problem.name: problem for problem in problems()}
    sample = list(rows("cells"))[::every]
    for row in sample:
        problem = known[row["problem"]]
        again = cell(problem, data_of(problem, row["seed"]), row["rate"], row["seed"])
        if json.loads(json.dumps(again)) != row:
            raise SystemExit(f"differs: {row['problem']}, rate {row['rate']}, seed {row['seed']}")
    return len(sample)
