"""Requests and outcomes as a trial of Optuna's holds them, and back, to the last digit.

A trial's parameters are the space's and the seed; everything else is in its user attributes.
"""

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from wolfsbane.experiment.comparison import LARGEST_SEED
from wolfsbane.experiment.metrics import Reliability
from wolfsbane.tuning.sampler import PURPOSE, SEED
from wolfsbane.tuning.space import Configuration, Space
from wolfsbane.tuning.trial import Outcome, Purpose, Request

OUTCOME = "outcome"
"""The user attribute of a trial that holds what came out."""


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Return the parameters of a trial."""
    return {**space.distributions, SEED: IntDistribution(0, LARGEST_SEED)}


def attributes(
    purpose: Purpose, train_size: int | None, label_noise: float | None, keep_weights: bool
) -> dict[str, Any]:
    """Return the user attributes of a trial that is asked for."""
    optional = {
        "train_size": train_size,
        "label_noise": label_noise,
        "keep_weights": keep_weights or None,
    }
    given = {name: value for name, value in optional.items() if value is not None}
    return {PURPOSE: purpose.value, **given}


def request_of(space: Space, trial: FrozenTrial) -> Request | None:
    """Return what was asked; None of a trial that was not written to its end, or not by us."""
    names = space.names
    if PURPOSE not in trial.user_attrs or not {SEED, *names} <= trial.params.keys():
        return None
    return Request(
        number=trial.number,
        configuration=Configuration(tuple((name, trial.params[name]) for name in names)),
        seed=trial.params[SEED],
        purpose=Purpose(trial.user_attrs[PURPOSE]),
        train_size=trial.user_attrs.get("train_size"),
        label_noise=trial.user_attrs.get("label_noise"),
        keep_weights=trial.user_attrs.get("keep_weights", False),
    )


def is_readable(trial: FrozenTrial) -> bool:
    """Whether a trial is running, or finished with an outcome."""
    return trial.state == TrialState.RUNNING or OUTCOME in trial.user_attrs


def write_outcome(outcome: Outcome, weights: str | None) -> dict[str, Any]:
    """Return an outcome as JSON, with the hash of its weights in their place."""
    found = outcome.reliability
    return {
        "curves": {name: [float(one) for one in curve] for name, curve in outcome.curves.items()},
        "reliability": found
        and {
            "count": list(found.count),
            "confidence": list(found.confidence),
            "correct": list(found.correct),
        },
        "memorised": outcome.memorised,
        "num_parameters": outcome.num_parameters,
        "initial_weights": outcome.initial_weights,
        "seconds": outcome.seconds,
        "weights": weights,
    }


def read_outcome(written: Mapping[str, Any], weights: bytes | None) -> Outcome:
    """Return the outcome that `write_outcome` wrote."""
    found = written["reliability"]
    return Outcome(
        curves={name: tuple(curve) for name, curve in written["curves"].items()},
        reliability=found and Reliability(**{name: tuple(part) for name, part in found.items()}),
        memorised=written["memorised"],
        num_parameters=written["num_parameters"],
        initial_weights=written["initial_weights"],
        seconds=written["seconds"],
        weights=weights,
    )
