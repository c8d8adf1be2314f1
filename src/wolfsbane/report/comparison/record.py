"""Results as plain data: records, and JSON that is the same for the same seeds."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from wolfsbane.experiment.comparison import Finding, Plan
from wolfsbane.experiment.training import Run
from wolfsbane.report.record import finding_row, training_loop, versions

FORMAT = 1
"""Raised when the meaning or the place of a key in results.json changes."""


def table(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return one flat record a finding."""
    return [{"variant": one.variant, **finding_row(one)} for one in findings]


def configuration(plan: Plan) -> dict[str, Any]:
    """Return all that determines the numbers, besides the versions."""
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
        "training": training_loop(plan.train),
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
