"""Concrete dropout: the rates are learned within one training, without a validation set."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from data import problems
from grid import EPOCHS, TUNER_SEEDS, data_of, row_of
from places import append, in_processes, rows
from torch.nn import functional as torch_functional

from wolfsbane.experiment.data import Data
from wolfsbane.experiment.training import train_variant
from wolfsbane.experiment.variants import make_variants
from wolfsbane.nn import ConcreteDropout

SEEDS = TUNER_SEEDS[:5]
HIDDEN = 256

RATE_OF_LOGITS = 0.05
"""Learning rate of the drop rates. At the weights' 1e-3 the few hundred steps of these trainings
would leave them where they begin."""


def network(data: Data) -> torch.nn.Module:
    """Return the default network with a learned rate where the default network has a drop rate."""
    size = len(data.train)
    return torch.nn.Sequential(
        torch.nn.Linear(data.train.x[0].numel(), HIDDEN),
        torch.nn.ReLU(),
        ConcreteDropout(torch.nn.Linear(HIDDEN, HIDDEN), size),
        torch.nn.ReLU(),
        ConcreteDropout(torch.nn.Linear(HIDDEN, data.num_classes), size),
    )


@dataclass
class Training:
    """The loop of `AdamW`, with the regularisation in the loss; leaves what was learned."""

    epochs: int
    batch_size: int = 64
    learning_rate: float = 1e-3
    rates: tuple[float, ...] = ()

    def __call__(
        self, model: torch.nn.Module, data: Data, seed: int, report: Callable[[], None]
    ) -> None:
        """Train the model in place."""
        layers = [one for one in model.modules() if isinstance(one, ConcreteDropout)]
        logits = [one.p_logit for one in layers]
        others = [one for one in model.parameters() if all(one is not logit for logit in logits)]
        optimizer = torch.optim.AdamW(
            [
                {"params": others},
                {"params": logits, "lr": RATE_OF_LOGITS, "weight_decay": 0.0},
            ],
            lr=self.learning_rate,
            weight_decay=1e-2,
        )
        order = torch.Generator().manual_seed(seed)
        number = -(len(data.train) // -self.batch_size)
        for _ in range(self.epochs):
            model.train()
            for index in torch.randperm(len(data.train), generator=order).tensor_split(number):
                batch = data.train[index]
                loss = torch_functional.cross_entropy(model(batch.x), batch.y)
                loss = loss + sum(layer.regularisation() for layer in layers)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            report()
        self.rates = tuple(layer.p for layer in layers)


def compute(jobs: int) -> None:
    """Train what the cache lacks."""
    in_processes(jobs, _part)


def _part(part: int, parts: int) -> None:
    done = {(row["problem"], row["seed"]) for row in rows("concrete")}
    asked = [(problem, seed) for problem in problems() for seed in SEEDS]
    for problem, seed in asked[part::parts]:
        if (problem.name, seed) in done:
            continue
        data = data_of(problem, seed)
        train = Training(EPOCHS)
        (variant,) = make_variants({"x": lambda data=data: network(data)})
        run = train_variant(variant, data, seed, train, lambda: None)
        row = {"problem": problem.name, "seed": seed, "rates": train.rates, **row_of(run)}
        append("concrete", row)
