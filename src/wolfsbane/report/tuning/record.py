"""A search as plain data: records, and JSON that is the same for the same seeds."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import optuna
import scipy

from wolfsbane.experiment.comparison import Finding
from wolfsbane.report.record import finding_row, finite, training_loop, versions
from wolfsbane.report.tuning.view import Training, View
from wolfsbane.tuning.answer import Answer, Complexity
from wolfsbane.tuning.dimensions import Choice, Dimension
from wolfsbane.tuning.setting import Setting

FORMAT = 1
"""Raised when the meaning or the place of a key in results.json changes."""


def configuration(setting: Setting) -> dict[str, Any]:
    """Return all that determines the trainings, besides the versions."""
    pool = setting.pool
    data: dict[str, Any] = {"data": type(setting.data).__qualname__ if pool is None else pool.name}
    if pool is not None:
        data |= {
            "fingerprint": pool.fingerprint,
            "examples": len(pool.examples),
            "own_test_examples": 0 if pool.test is None else len(pool.test),
            "classes": list(pool.classes),
        }
    return data | {
        "built_by": setting.subject.built_by,
        "space": {name: _dimension(one) for name, one in setting.subject.space.dimensions},
        "objective": {**dataclasses.asdict(setting.objective)},
        "train_size": setting.train_size,
        "label_noise": setting.label_noise,
        "first_seed": setting.seed,
        "training": training_loop(setting.train),
    }


def _dimension(one: Dimension) -> Any:
    return list(one.options) if isinstance(one, Choice) else dataclasses.asdict(one)


def all_versions(setting: Setting) -> dict[str, Any]:
    """Return the versions, and the number of threads, that numbers may depend on."""
    kind = "pictures" if setting.pool is None else setting.pool.kind
    found = versions(kind)
    return found | {"scipy": scipy.__version__, "optuna": optuna.__version__}


def table(view: View) -> list[dict[str, Any]]:
    """Return one flat record a training: what it was, and its metrics after the last epoch."""
    metrics = dict.fromkeys(name for one in view.trainings for name in one.outcome.curves)
    return [_row(one, view, list(metrics)) for one in view.trainings]


def _row(one: Training, view: View, metrics: Sequence[str]) -> dict[str, Any]:
    asked, made = one.request, one.outcome
    after = {
        "seed": asked.seed,
        "train_size": asked.train_size or view.setting.train_size,
        "label_noise": _noise(one, view),
        **{name: made.curves[name][-1] if name in made.curves else None for name in metrics},
        "best_epoch": made.best_epoch(view.setting.objective) + 1,
        "memorised": made.memorised,
        "seconds": made.seconds,
    }
    before = {"number": asked.number, "purpose": str(asked.purpose)}
    taken = before.keys() | after.keys()
    dimensions = {
        f"params_{name}" if name in taken else name: value
        for name, value in asked.configuration.values
    }
    return before | dimensions | after


def _noise(one: Training, view: View) -> float:
    asked = one.request.label_noise
    return view.setting.label_noise if asked is None else asked


def findings_table(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return one flat record a finding; keys as in a comparison's table."""
    return [{"configuration": one.variant, **finding_row(one)} for one in findings]


def to_json(view: View) -> str:
    """Return everything as JSON text, without times or paths."""
    everything = {
        "format": FORMAT,
        "configuration": configuration(view.setting),
        "versions": all_versions(view.setting),
        "answer": _answer(view.answer),
        "trainings": [_training(one, view) for one in view.trainings],
    }
    return json.dumps(everything, indent=1, allow_nan=False, default=str) + "\n"


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "chosen": answer.chosen.as_dict(),
        "baseline": answer.baseline.as_dict(),
        "ranges": [dataclasses.asdict(one) for one in answer.ranges],
        "band": [
            [
                {
                    "configuration": point.configuration.as_dict(),
                    "mean": finite(point.mean),
                    "low": finite(point.low),
                    "high": finite(point.high),
                }
                for point in points
            ]
            for points in answer.band
        ],
        "findings": findings_table(answer.findings),
        "verdict": None if answer.verdict is None else str(answer.verdict),
        "complexity": _complexity(answer.complexity),
        "num_trainings": {str(name): number for name, number in answer.num_trainings.items()},
        "budget": answer.budget,
        "finished": answer.is_finished,
        "warnings": list(answer.warnings),
    }


def _complexity(found: Complexity) -> dict[str, Any]:
    return {
        "gap": found.gap,
        "memorised": found.memorised,
        "memorised_noise": found.memorised_noise,
        "memorised_by_error": found.memorised_by_error,
        "memorised_chosen": found.memorised_chosen,
        "curve": [
            {
                "train_size": point.train_size,
                "configuration": point.configuration.as_dict(),
                "metric": point.metric,
                "values": [finite(value) for value in point.values],
            }
            for point in found.curve
        ],
    }


def _training(one: Training, view: View) -> dict[str, Any]:
    asked, made = one.request, one.outcome
    return {
        "number": asked.number,
        "purpose": str(asked.purpose),
        "configuration": asked.configuration.as_dict(),
        "seed": asked.seed,
        "train_size": asked.train_size or view.setting.train_size,
        "label_noise": _noise(one, view),
        "num_parameters": made.num_parameters,
        "initial_weights": made.initial_weights,
        "best_epoch": made.best_epoch(view.setting.objective) + 1,
        "memorised": made.memorised,
        "reliability": made.reliability and dataclasses.asdict(made.reliability),
        "curves": {name: [finite(value) for value in made.curves[name]] for name in made.curves},
    }
