"""Results as plain data: records, and JSON that is the same for the same seeds."""

import dataclasses
import json
import math
import platform
from collections.abc import Sequence
from typing import Any

import numpy as np
import sklearn
import torch

import wolfsbane
from wolfsbane.experiment.comparison import Finding, Plan
from wolfsbane.experiment.intervals import Estimate
from wolfsbane.experiment.training import Run

FORMAT = 1
"""Raised when the meaning or the place of a key in results.json changes."""


def table(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return one flat record a finding."""
    return [
        {
            "variant": finding.variant,
            "epoch": str(finding.epoch),
            "measure": finding.measure.name,
            **_interval("mean", "", finding.estimate),
            **_interval("difference", "difference_", finding.difference),
            "verdict": None if finding.verdict is None else str(finding.verdict),
            "num_seeds": 0 if finding.estimate is None else finding.estimate.num_seeds,
        }
        for finding in findings
    ]


def _interval(mean: str, prefix: str, estimate: Estimate | None) -> dict[str, float | None]:
    if estimate is None:
        return {mean: None, f"{prefix}low": None, f"{prefix}high": None}
    return {
        mean: estimate.mean,
        f"{prefix}low": _finite(estimate.low),
        f"{prefix}high": _finite(estimate.high),
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def configuration(plan: Plan) -> dict[str, Any]:
    """Return all that determines the numbers, besides the versions."""
    train: dict[str, Any] = {"loop": _name(plan.train)}
    if dataclasses.is_dataclass(plan.train) and not isinstance(plan.train, type):
        train |= dataclasses.asdict(plan.train)
    return {
        "data": plan.pool.name,
        "fingerprint": plan.pool.fingerprint,
        "examples": len(plan.pool.examples),
        "own_test_examples": 0 if plan.pool.test is None else len(plan.pool.test),
        "classes": list(plan.pool.classes),
        "variants": {
            variant.name: {"built_by": variant.built_by, **variant.options}
            for variant in plan.variants
        },
        "seeds": list(plan.seeds),
        "train_size": plan.train_size,
        "label_noise": plan.label_noise,
        "target_accuracy": plan.target_accuracy,
        "training": train,
    }


def _name(loop: object) -> str:
    return getattr(loop, "__qualname__", type(loop).__qualname__)


def versions(kind: str) -> dict[str, Any]:
    """Return the versions, and the number of threads, that numbers may depend on."""
    return {
        "wolfsbane": wolfsbane.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "python": platform.python_version(),
        "threads": 1 if kind == "table" else torch.get_num_threads(),
        "machine": platform.machine(),
    }


def to_json(plan: Plan, runs: Sequence[Run], findings: Sequence[Finding]) -> str:
    """Return everything as JSON text, without times or paths."""
    everything = {
        "format": FORMAT,
        "interrupted": len(runs) < plan.num_trainings,
        "configuration": configuration(plan),
        "versions": versions(plan.pool.kind),
        "table": table(findings),
        "runs": [_run(one) for one in runs],
    }
    return json.dumps(everything, indent=1, allow_nan=False, default=str) + "\n"


def _run(run: Run) -> dict[str, Any]:
    return {
        "variant": run.variant,
        "seed": run.seed,
        "num_parameters": run.num_parameters,
        "initial_weights": run.initial_weights,
        "best_epoch": run.best_epoch + 1,
        "reliability": dataclasses.asdict(run.reliability),
        "curve": {
            "train_accuracy": [m.train.accuracy for m in run.curve],
            "train_nll": [m.train.nll for m in run.curve],
            "validation_accuracy": [m.validation.accuracy for m in run.curve],
            "validation_nll": [m.validation.nll for m in run.curve],
            "test_accuracy": [m.test.accuracy for m in run.curve],
            "test_nll": [m.test.nll for m in run.curve],
            "test_ece": [m.calibration_error for m in run.curve],
        },
    }
