"""Trainings that are seen as they go: epoch by epoch, in plain PyTorch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as torch_functional

from wolfsbane.experiment.data import Data, Examples, Pool, add_label_noise, split
from wolfsbane.experiment.metrics import Scores, scores
from wolfsbane.experiment.networks import NetworkOptions, build_network
from wolfsbane.experiment.prediction import evaluation_mode, predict
from wolfsbane.experiment.training import seeded
from wolfsbane.learn.blocks import Progress
from wolfsbane.learn.experiments.reproducible import reproducible

Method = Literal["adamw", "sgd"]

MOMENTUM = 0.9
"""Of stochastic gradient descent, as in Sutskever et al. 2013."""

READING = Progress(0, 1, "reading the data")
"""First of a run on data, as that takes a moment."""

MOST_VIEWS = 25
"""How often a chart that grows is drawn anew in one training, at most."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: passes over the training examples.
        learning_rate: of the method.
        batch_size: examples a step, at most; batches of an epoch differ by one at most.
        method: AdamW, or stochastic gradient descent with momentum.
    """

    epochs: int
    learning_rate: float = 1e-3
    batch_size: int = 64
    method: Method = "adamw"


def prepare(
    pool: Pool, train_size: int, label_noise: float, seed: int, *, part_of: int | None = None
) -> tuple[Data, Data]:
    """Return data drawn by a seed, as they are and with a share of wrong training labels."""
    clean = split(pool, train_size, seed, part_of=part_of)
    return clean, add_label_noise(clean, label_noise, seed)


def build(options: NetworkOptions, data: Data, seed: int) -> torch.nn.Module:
    """Return a network whose weights are drawn under a seed."""
    with seeded(seed):
        return build_network(options, data)


def train(model: torch.nn.Module, data: Data, recipe: Recipe, seed: int) -> Iterator[int]:
    """Train a model, and yield the number of each epoch, from 1, when it is over.

    The seed fixes batches and masks, so that two networks of one seed meet the same.
    """
    order = torch.Generator().manual_seed(seed)
    optimizer = _optimizer(model, recipe)
    num_batches = -(len(data.train) // -recipe.batch_size)
    with reproducible(seed):
        for epoch in range(1, recipe.epochs + 1):
            model.train()
            for index in torch.randperm(len(data.train), generator=order).tensor_split(num_batches):
                batch = data.train[index]
                loss = torch_functional.cross_entropy(model(batch.x), batch.y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            yield epoch


def logits(model: torch.nn.Module, examples: Examples) -> Tensor:
    """Return what a model in evaluation mode says of examples."""
    with evaluation_mode(model):
        return predict(model, examples)


def measure(model: torch.nn.Module, examples: Examples) -> Scores:
    """Return accuracy and NLL of a model in evaluation mode."""
    return scores(logits(model, examples), examples.y)


def is_view(epoch: int, epochs: int) -> bool:
    """Whether a growing chart is drawn anew after this epoch: at the last, and now and then."""
    every = -(epochs // -MOST_VIEWS)
    return epoch == epochs or epoch % every == 0


def _optimizer(model: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.method == "sgd":
        return torch.optim.SGD(model.parameters(), lr=recipe.learning_rate, momentum=MOMENTUM)
    return torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate)
