"""The table of the collection's dropouts, an input for each, and how they are run."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch

from wolfsbane import nn

SEED = 20260731


@dataclass(frozen=True)
class CollectionCase:
    """A layer of the collection, and an input for it."""

    name: str
    make: Callable[..., torch.nn.Module]
    shape: tuple[int, ...]
    keeps_its_input: bool = True
    """In evaluation the layer returns its input itself; the others compute something."""

    @property
    def is_of_words(self) -> bool:
        return self.name == "EmbeddingDropout"

    def input(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        generator = torch.Generator().manual_seed(SEED)
        if self.is_of_words:
            return torch.randint(11, self.shape, generator=generator)
        return (torch.rand(self.shape, generator=generator, dtype=torch.float64) + 0.5).to(dtype)


def _linear():
    torch.manual_seed(SEED)
    return torch.nn.Linear(8, 3)


def _embedding(**options):
    torch.manual_seed(SEED)
    return nn.EmbeddingDropout(11, 4, p=0.5, **options)


def _connect(**options):
    torch.manual_seed(SEED)
    return nn.DropConnect(8, 3, **options)


CASES = (
    CollectionCase(
        "Dropout-broadcast", lambda **o: nn.Dropout(broadcast_dims=(1,), **o), (4, 5, 8)
    ),
    CollectionCase("LockedDropout", nn.LockedDropout, (5, 4, 8)),
    CollectionCase("GaussianDropout", nn.GaussianDropout, (4, 5, 8)),
    CollectionCase("GaussianNoise", nn.GaussianNoise, (4, 5, 8)),
    CollectionCase("DropBlock1d", lambda **o: nn.DropBlock1d(0.4, 3, **o), (4, 3, 20)),
    CollectionCase("DropBlock2d", lambda **o: nn.DropBlock2d(0.4, 3, **o), (4, 3, 8, 9)),
    CollectionCase("DropBlock3d", lambda **o: nn.DropBlock3d(0.4, 2, **o), (2, 3, 4, 5, 6)),
    CollectionCase("TokenDropout", nn.TokenDropout, (4, 21, 3)),
    CollectionCase(
        "ConcreteDropout",
        lambda **o: nn.ConcreteDropout(_linear(), 100, 0.3, **o),
        (4, 8),
        keeps_its_input=False,
    ),
    CollectionCase("DropConnect", _connect, (4, 8), keeps_its_input=False),
    CollectionCase(
        "WeightDrop",
        lambda **o: nn.WeightDrop(_linear(), "weight", **o),
        (4, 8),
        keeps_its_input=False,
    ),
    CollectionCase("EmbeddingDropout", _embedding, (4, 5), keeps_its_input=False),
)

collection = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def seeded(function, *args, seed=SEED):
    torch.manual_seed(seed)
    return function(*args)


def training_step(layer, call, x):
    """Return the output and all gradients of a step with a fixed seed."""
    layer.zero_grad()
    if x.is_floating_point():
        x = x.clone().requires_grad_()
    y = seeded(call, x)
    y.square().sum().backward()
    grads = [parameter.grad for parameter in layer.parameters()]
    return [y.detach(), *([x.grad] if x.is_floating_point() else []), *grads]
