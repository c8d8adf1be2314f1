"""The record of the benchmark: means and errors of the grid, and every table of the page."""

import json
import math
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import null_runs
import numpy as np
import replay
from data import HELD_OUT, Problem, problems
from early import early
from grid import EPOCHS, METRICS, RATES, TRUTH_SEEDS, TUNER_SEEDS
from peers import BUDGET
from places import rows
from scipy.stats import beta
from truth import Table, Truth, load_tables, truth_of

from wolfsbane.experiment.intervals import estimate

RESULTS = Path(__file__).parents[1] / "results"
CONCRETE = "Concrete dropout"
EVERYTHING = "the whole grid, by validation"
TUNERS = (*replay.TUNERS, CONCRETE)
PACKAGES = ("numpy", "optuna", "scikit-learn", "scipy", "torch", "wolfsbane")

Row = dict[str, Any]


def write() -> Path:
    """Write the record of what the cache has; return where."""
    tables = load_tables()
    complete = [problem for problem in problems() if problem.name in tables]
    truths = {
        (problem.name, metric): truth_of(tables[problem.name], metric)
        for problem in complete
        for metric in METRICS
    }
    record = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
        "versions": {name: metadata.version(name).split("+")[0] for name in PACKAGES},
        "settings": _settings(complete),
        "grid": [_grid_row(*key, truth) for key, truth in truths.items()],
        "replay": _replay_rows(truths) + _concrete_rows(tables, truths),
        "held out": [problem.name for problem in complete if problem.data in HELD_OUT],
        "everything": [_everything(tables, *key, truth) for key, truth in truths.items()],
        "early": [
            {"problem": name, "metric": metric} | row
            for name, metric in truths
            for row in early(tables[name], metric)
        ],
        "null grid": _null_grid_rows(),
        "nulls": _null_rows(),
        "nulls together": _null_together(),
    }
    path = RESULTS / f"tuning-{record['date']}.json"
    path.write_text(json.dumps(_rounded(record), indent=1) + "\n", encoding="utf-8")
    return path


def _settings(complete: Sequence[Problem]) -> Row:
    return {
        "rates": RATES,
        "truth seeds": len(TRUTH_SEEDS),
        "tuner seeds": len(TUNER_SEEDS),
        "epochs": EPOCHS,
        "budget": BUDGET,
        "repetitions": replay.REPETITIONS,
        "null repetitions": null_runs.REPETITIONS,
        "train sizes": {problem.data: problem.train_size for problem in complete},
    }


def _grid_row(problem: str, metric: str, truth: Truth) -> Row:
    difference = estimate([*(truth.losses[0] - truth.losses[truth.best])])
    return {
        "problem": problem,
        "metric": metric,
        "mean": [*(truth.sign * truth.mean)],
        "error": [*truth.errors],
        "best": RATES[truth.best],
        "best_error": truth.error,
        "as_good": [rate for rate in RATES if truth.regret(rate) <= truth.error],
        "gain": [difference.mean, difference.low, difference.high],
    }


def _replay_rows(truths: dict[tuple[str, str], Truth]) -> list[Row]:
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in replay.runs():
        found.setdefault((row["problem"], row["metric"], row["tuner"]), []).append(row)
    return [
        _summary(problem, metric, tuner, found[problem, metric, tuner], truth)
        for (problem, metric), truth in truths.items()
        for tuner in TUNERS
        if (problem, metric, tuner) in found
    ]


def _summary(problem: str, metric: str, tuner: str, choices: Sequence[Row], truth: Truth) -> Row:
    """Return what many runs of a tuner on a problem come to."""
    chosen = [choice["rate"] for choice in choices]
    regrets = [truth.regret(rate) for rate in chosen]
    claims = [choice["claims"] for choice in choices]
    nearest = np.bincount([round(rate * 10) for rate in chosen], minlength=len(RATES))
    return {
        "problem": problem,
        "metric": metric,
        "tuner": tuner,
        "runs": len(choices),
        "chosen": nearest.tolist(),
        "regret": float(np.mean(regrets)),
        "regret_in_errors": float(np.mean(regrets)) / truth.error,
        "within": float(np.mean([regret <= truth.error for regret in regrets])),
        "within_paired": float(
            np.mean([truth.regret(rate) <= truth.paired_error(rate) for rate in chosen])
        ),
        "claims": float(np.mean(claims)),
        "unshown": _share(
            c and not _is_shown(truth, r) for c, r in zip(claims, chosen, strict=True)
        ),
        "wrong": _share(c and truth.gain(r) <= 0 for c, r in zip(claims, chosen, strict=True)),
        "cost": float(np.mean([choice["cost"] for choice in choices])),
        "most": float(np.max([choice["cost"] for choice in choices])),
        "trials": float(np.mean([choice["trials"] for choice in choices])),
    }


def _share(values: Any) -> float:
    return float(np.mean([bool(value) for value in values]))


def _is_shown(truth: Truth, rate: float) -> bool:
    """Return whether the grid's own interval of a rate's gain, seed by seed, excludes zero."""
    gains = truth.losses[0] - truth.losses[round(rate * 10)]
    return estimate([*gains]).low > 0.0


def _everything(tables: dict[str, Table], problem: str, metric: str, truth: Truth) -> Row:
    """Return what the mean over all of the tuners' seeds chooses: no tuner can know more."""
    losses = truth.sign * tables[problem].array(f"validation_{metric}", TUNER_SEEDS)[:, :, -1]
    rate = RATES[int(losses.mean(1).argmin())]
    regret = truth.regret(rate)
    key = {"problem": problem, "metric": metric, "rate": rate, "regret": regret}
    return key | {"regret_in_errors": regret / truth.error}


def _concrete_rows(tables: dict[str, Table], truths: dict[tuple[str, str], Truth]) -> list[Row]:
    found: dict[str, list[Row]] = {}
    for row in rows("concrete"):
        found.setdefault(row["problem"], []).append(row)
    summaries = []
    for (problem, metric), truth in truths.items():
        name = f"test_{metric}"
        own = [truth.sign * row[name][-1] for row in found[problem]]
        plain = [
            truth.sign * tables[problem].last(name, 0.0, row["seed"]) for row in found[problem]
        ]
        choices = [
            {"rate": float(np.mean(row["rates"])), "claims": mine < none, "cost": 2.0, "trials": 1}
            for row, mine, none in zip(found[problem], own, plain, strict=True)
        ]
        summary = _summary(problem, metric, CONCRETE, choices, truth)
        summary["learned"] = float(np.mean([choice["rate"] for choice in choices]))
        summary["own_regret_in_errors"] = (float(np.mean(own)) - truth.mean.min()) / truth.error
        summaries.append(summary)
    return summaries


def _null_grid_rows() -> list[Row]:
    found: dict[tuple[str, str], list[list[float]]] = {}
    for row in rows("null-grid"):
        found.setdefault((row["null"], row["metric"]), []).append(row["values"])
    summaries = []
    for (null, metric), values in found.items():
        table = np.array(values)
        sign = 1.0 if metric == "accuracy" else -1.0
        gains = sign * (table - table[:, :1])
        count = math.sqrt(len(table))
        mean, error = gains.mean(0), gains.std(0, ddof=1) / count
        key = {"null": null, "metric": metric, "mean": [*table.mean(0)]}
        summaries.append(key | {"gain": [*mean], "error": [*error], "seeds": len(table)})
    return summaries


def _null_rows() -> list[Row]:
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in null_runs.runs():
        found.setdefault((row["null"], row["metric"], row["tuner"]), []).append(row)
    return [
        {"null": null, "metric": metric, "tuner": tuner}
        | {"runs": len(of), "claims": sum(row["claims"] for row in of)}
        | {"interval": clopper_pearson(sum(row["claims"] for row in of), len(of))}
        | {"cost": float(np.mean([row["cost"] for row in of]))}
        | {"baseline": sum(row["rate"] == 0.0 for row in of)}
        for (null, metric, tuner), of in sorted(found.items())
    ]


def _null_together() -> Row:
    claims = [row["claims"] for row in rows(null_runs.OUR_RUNS)]
    hits, number = sum(claims), len(claims)
    return {"claims": hits, "runs": number, "interval": clopper_pearson(hits, number)}


def clopper_pearson(hits: int, runs: int) -> list[float]:
    """Return the exact 95% interval of a share.

    References:
        Clopper, Pearson 1934, doi:10.1093/biomet/26.4.404.
    """
    low = float(beta.ppf(0.025, hits, runs - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, runs - hits)) if hits < runs else 1.0
    return [low, high]


def _rounded(value: Any) -> Any:
    """Return numbers with five significant digits: more is noise, and larger files."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
