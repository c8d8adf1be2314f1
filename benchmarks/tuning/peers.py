"""Other tuners on the same trainings, used as their users use them.

Each has 20 trainings in all. One is kept for dropout's absence under the best trial's seed, to say
what was gained; the others are trials. A trial's value is its validation metric after its last
epoch.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Protocol

import numpy as np
import optuna
from grid import RATES
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import TrialState
from scipy.stats import ttest_rel

GRID_SEARCH = "grid search, two seeds"

BUDGET = 20
"""Trainings, a quarter of the dense grid's 80."""

SIGNIFICANCE = 0.05
"""Of a two-sided test."""


class Source(Protocol):
    """Where trainings come from: a table of them, or a training made when it is asked for."""

    @property
    def epochs(self) -> int:
        """Of one training."""

    def curve(self, name: str, rate: float, seed: int) -> list[float]:
        """Return a metric, such as "validation_nll", one value an epoch."""


@dataclass(frozen=True)
class Choice:
    """What a tuner came to.

    Attributes:
        rate: that it would use.
        claims: whether it says that the rate is better than no dropout.
        cost: trainings spent, in whole trainings' epochs.
        trials: rates tried, those that were cut short among them.
    """

    rate: float
    claims: bool
    cost: float
    trials: int


@dataclass(frozen=True)
class Peer:
    """A tuner and the way it is used.

    Attributes:
        sampler: makes it, from a seed.
        pruner: what ends trials early.
        seeds: "fixed", one training seed for the whole study, or "new", another for each trial.
        test: whether half the trainings are kept for a paired t-test under fresh seeds.
    """

    sampler: Callable[[int], BaseSampler]
    pruner: Callable[[], BasePruner] = NopPruner
    seeds: str = "fixed"
    test: bool = False


def _gp(seed: int) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return GPSampler(seed=seed)


PEERS = {
    "Optuna TPE": Peer(lambda seed: TPESampler(seed=seed)),
    "Optuna TPE, a seed a trial": Peer(lambda seed: TPESampler(seed=seed), seeds="new"),
    "Optuna TPE + MedianPruner": Peer(lambda seed: TPESampler(seed=seed), MedianPruner),
    "Optuna GPSampler, a seed a trial": Peer(_gp, seeds="new"),
    "random search": Peer(lambda seed: RandomSampler(seed=seed)),
    "random search, a seed a trial": Peer(lambda seed: RandomSampler(seed=seed), seeds="new"),
    "Optuna TPE, then a t-test": Peer(lambda seed: TPESampler(seed=seed), test=True),
}


def tune_with(
    peer: Peer, source: Source, metric: str, seeds: tuple[int, ...], repetition: int
) -> Choice:
    """Let a peer choose a rate.

    Args:
        peer: which.
        source: of the trainings.
        metric: "nll" or "accuracy", on validation data.
        seeds: training seeds it may use, in this order.
        repetition: seeds the sampler.
    """
    sign = 1.0 if metric == "accuracy" else -1.0
    kept = BUDGET // 2 if peer.test else 1
    study = optuna.create_study(
        direction="maximize" if sign > 0 else "minimize",
        sampler=peer.sampler(repetition),
        pruner=peer.pruner(),
    )
    spent = _search(study, peer, source, metric, iter(_seeds(peer, seeds)), BUDGET - kept)
    rate, seed = study.best_params["rate"], study.best_trial.user_attrs["seed"]
    fresh = seeds[-(kept // 2) :] if peer.test else (seed,)
    gains = [
        sign
        * (
            source.curve(f"test_{metric}", rate, one)[-1]
            - source.curve(f"test_{metric}", 0.0, one)[-1]
        )
        for one in fresh
    ]
    return Choice(rate, _is_gain(gains), spent / source.epochs + kept, len(study.trials))


def search_grid(source: Source, metric: str, seeds: tuple[int, ...]) -> Choice:
    """Train every rate under two seeds; claim what the means of the same trainings say."""
    sign = 1.0 if metric == "accuracy" else -1.0
    used = seeds[: BUDGET // len(RATES)]
    scores = {
        part: [
            sign
            * float(np.mean([source.curve(f"{part}_{metric}", rate, seed)[-1] for seed in used]))
            for rate in RATES
        ]
        for part in ("validation", "test")
    }
    best = int(np.argmax(scores["validation"]))
    is_better = scores["test"][best] > scores["test"][0]
    return Choice(RATES[best], is_better, len(used) * len(RATES), len(RATES))


def _seeds(peer: Peer, seeds: tuple[int, ...]) -> Iterator[int]:
    return cycle(seeds if peer.seeds == "new" else seeds[:1])


def _search(
    study: optuna.Study,
    peer: Peer,
    source: Source,
    metric: str,
    seeds: Iterator[int],
    trainings: int,
) -> int:
    """Make trials until the epochs of so many trainings are spent; return the epochs."""
    left = trainings * source.epochs
    while left > 0:
        seed = next(seeds)
        trial = study.ask()
        trial.set_user_attr("seed", seed)
        rate = round(trial.suggest_float("rate", 0.0, RATES[-1], step=0.1), 1)
        curve = source.curve(f"validation_{metric}", rate, seed)
        used = _used(trial, curve, left) if peer.pruner is MedianPruner else len(curve)
        left -= used
        if used == len(curve):
            study.tell(trial, curve[-1])
        else:
            study.tell(trial, state=TrialState.PRUNED)
    return trainings * source.epochs - left


def _used(trial: optuna.Trial, curve: list[float], left: int) -> int:
    """Report epoch after epoch; return how many there are before the pruner, or the cost, ends."""
    for epoch, value in enumerate(curve[:left]):
        trial.report(value, epoch)
        if trial.should_prune():
            return epoch + 1
    return min(left, len(curve))


def _is_gain(gains: list[float]) -> bool:
    """Return whether one pair is better, or several are by a t-test."""
    if len(gains) == 1 or float(np.std(gains)) == 0.0:
        return float(np.mean(gains)) > 0.0
    return (
        float(np.mean(gains)) > 0.0
        and float(ttest_rel(gains, np.zeros(len(gains))).pvalue) < SIGNIFICANCE
    )
