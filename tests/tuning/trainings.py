"""Networks with rates to be found, and trainings of them that last a moment."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from wolfsbane.experiment.data import load
from wolfsbane.experiment.training import AdamW
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import Configuration, Rate, Space, make_space
from wolfsbane.tuning.training import perform
from wolfsbane.tuning.trial import Purpose, Request

SIZE = 100
"""Training examples: two batches of 50."""


def two_layers(dropout, first, second=None):
    """Return a network for digits with a wide and a narrow dropout."""
    return nn.Sequential(
        nn.Linear(64, 256),
        nn.ReLU(),
        dropout(first),
        nn.Linear(256, 20),
        nn.ReLU(),
        dropout(first if second is None else second),
        nn.Linear(20, 10),
    )


ONE_RATE = make_space({"first": Rate()})


@dataclass(frozen=True)
class Factory:
    """What is tuned: a function of the rates."""

    make: Callable[..., nn.Module]
    space: Space = ONE_RATE
    built_by: str = "a test"

    def build(self, configuration, data):
        return self.make(**configuration.as_dict())


def of_torch(**rates):
    return two_layers(nn.Dropout, **rates)


def a_setting(make=of_torch, train=None, **changes: Any):
    given = {
        "subject": Factory(make),
        "pool": load("digits"),
        "data": None,
        "objective": Objective(),
        "train": train or AdamW(2),
        "train_size": SIZE,
    }
    return Setting(**given | changes)


def a_request(rates=None, seed=0, **changes: Any):
    values = tuple((rates or {"first": 0.5}).items())
    return Request(0, Configuration(values), seed, Purpose.SEARCH, **changes)


def trained(make=of_torch, rates=None, train=None, seed=0, request=None, **setting: Any):
    """Perform one training."""
    return perform(a_setting(make, train, **setting), a_request(rates, seed, **(request or {})))


def state_of(outcome):
    """Return the weights that an outcome brings."""
    return torch.load(io.BytesIO(outcome.weights), weights_only=True)
