"""What early epochs tell of the last, and what ending trainings early would save and lose."""

from typing import Any

import numpy as np
from grid import EPOCHS, RATES, TRUTH_SEEDS, TUNER_SEEDS
from scipy.stats import spearmanr
from truth import Array, Table, truth_of

LOOKED_AT = (4, 15, 30)
"""Epochs of 60; the last is the half."""


def early(table: Table, metric: str) -> list[dict[str, Any]]:
    """Return, for each epoch looked at, what it tells of the rates after the last."""
    sign = -1.0 if metric == "accuracy" else 1.0
    losses = sign * table.array(f"validation_{metric}", TRUTH_SEEDS + TUNER_SEEDS)
    truth = truth_of(table, metric)
    return [
        {
            "epoch": epoch,
            "correlation": _correlation(losses, epoch),
            "dropped": _dropped(losses, epoch),
            "regret": _regret(losses, epoch, truth.mean) / truth.error,
            "regret_kept": _regret(losses, EPOCHS, truth.mean) / truth.error,
            "saved": (1 - epoch / EPOCHS) / 2,
        }
        for epoch in LOOKED_AT
    ]


def _correlation(losses: Array, epoch: int) -> float:
    """Rank correlation over the rates, of means over seeds, with the last epoch's."""
    found = spearmanr(losses[:, :, epoch - 1].mean(1), losses[:, :, -1].mean(1)).statistic
    return float(np.nan_to_num(found))


def _dropped(losses: Array, epoch: int) -> float:
    """Share of seeds where the rate best at the end is worse than the median of the rates then."""
    best = int(losses[:, :, -1].mean(1).argmin())
    at = losses[:, :, epoch - 1]
    return float((at[best] > np.median(at, axis=0)).mean())


def _regret(losses: Array, epoch: int, truth: Array) -> float:
    """Mean regret of ten trainings under one seed of which an epoch's better half goes on."""
    regrets = []
    for seed in range(losses.shape[1]):
        at = losses[:, seed, epoch - 1]
        half = at.argsort(kind="stable")[: len(RATES) // 2] if epoch < EPOCHS else range(len(RATES))
        chosen = min(half, key=lambda index: losses[index, seed, -1])
        regrets.append(truth[chosen] - truth.min())
    return float(np.mean(regrets))
