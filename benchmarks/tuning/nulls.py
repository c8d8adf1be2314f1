"""Problems with nothing to gain: what is claimed there is false.

"random labels": 300 digits whose labels are drawn afresh, independent of the pictures, as many of
each class. Dropout makes the network less sure of what cannot be known, so NLL truly gains; the
accuracy of every network is one in ten.

"linear": dropout of the inputs of a linear model, which 2,000 e-mails leave nothing to overfit.

Every repetition has new labels, or another split into what is trained on and what is tested on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from data import load_pool

from wolfsbane import nn
from wolfsbane.experiment.data import Pool, pool_of_arrays
from wolfsbane.experiment.training import AdamW

SPAM_FEATURES = 57

SEEDS_APART = 1000
"""Training seeds of one repetition, of which it uses some."""


@dataclass(frozen=True)
class Null:
    """A problem without a gain.

    Attributes:
        name: on the page.
        metrics: those without a gain.
        pool: the data of a repetition.
        model: a factory that takes `dropout`; None for the default network.
        train_size: training examples.
        train: the loop; shorter than elsewhere, so that thousands of trainings can be made.
    """

    name: str
    metrics: tuple[str, ...]
    pool: Callable[[int], Pool]
    model: Callable[..., torch.nn.Module] | None
    train_size: int
    train: AdamW


@cache
def _base(name: str) -> Pool:
    return load_pool(name)


def _random_labels(repetition: int) -> Pool:
    base = _base("digits")
    balanced = np.arange(len(base.examples)) % len(base.classes)
    y = np.random.default_rng(repetition).permutation(balanced)
    return pool_of_arrays("random labels", {"x": base.examples.x.numpy(), "y": y})


def _shuffled_spam(repetition: int) -> Pool:
    base = _base("spam")
    order = np.random.default_rng(repetition).permutation(len(base.examples))
    x, y = base.examples.x.numpy()[order], base.examples.y.numpy()[order]
    return pool_of_arrays("spam", {"x": x, "y": y})


def linear(dropout: float = 0.0) -> torch.nn.Module:
    """Return a linear model of dropped inputs."""
    return torch.nn.Sequential(nn.Dropout(dropout), torch.nn.Linear(SPAM_FEATURES, 2))


NULLS = (
    Null("random labels", ("accuracy",), _random_labels, None, 300, AdamW(10)),
    Null(
        "linear",
        ("nll", "accuracy"),
        _shuffled_spam,
        linear,
        2000,
        AdamW(6, batch_size=128, learning_rate=1e-2),
    ),
)
