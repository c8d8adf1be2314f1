"""Parts of results as plain data."""

import dataclasses
import math
import platform
from typing import Any

import numpy as np
import sklearn
import torch

import wolfsbane
from wolfsbane.experiment.comparison import Finding
from wolfsbane.experiment.intervals import Estimate


def finding_row(finding: Finding) -> dict[str, Any]:
    """Return a finding as a flat record, without the name of what was measured."""
    return {
        "epoch": str(finding.epoch),
        "measure": finding.measure.name,
        **interval("mean", "", finding.estimate),
        **interval("difference", "difference_", finding.difference),
        "verdict": None if finding.verdict is None else str(finding.verdict),
        "num_seeds": 0 if finding.estimate is None else finding.estimate.num_seeds,
    }


def interval(mean: str, prefix: str, estimate: Estimate | None) -> dict[str, float | None]:
    """Return an estimate under the name `mean`, its interval as low and high with a prefix."""
    if estimate is None:
        return {mean: None, f"{prefix}low": None, f"{prefix}high": None}
    return {
        mean: estimate.mean,
        f"{prefix}low": finite(estimate.low),
        f"{prefix}high": finite(estimate.high),
    }


def finite(number: float) -> float | None:
    """Return the number, or None where JSON has none."""
    return number if math.isfinite(number) else None


def training_loop(train: object) -> dict[str, Any]:
    """Return a training loop's name, and its settings where it is a dataclass."""
    name = getattr(train, "__qualname__", type(train).__qualname__)
    if dataclasses.is_dataclass(train) and not isinstance(train, type):
        return {"loop": name} | dataclasses.asdict(train)
    return {"loop": name}


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
