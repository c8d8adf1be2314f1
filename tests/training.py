"""Networks with a layer of each kind, and how a process trains them: alone, or as one of many."""

import torch
from torch.nn import Conv2d, Flatten, Linear, Sequential, Unflatten

from wolfsbane import nn

BATCH = 8
NUM_STEPS = 4
SEED = 7


class Residual(torch.nn.Module):
    """Join a branch with its input."""

    def __init__(self, branch, join=torch.add):
        super().__init__()
        self.branch = branch
        self.join = join

    def forward(self, x):
        return self.join(self.branch(x), x)


def independent_samples():
    """Return a network that drops by sample, channel and element, and normalises over no batch."""
    torch.manual_seed(0)
    return Sequential(
        Conv2d(2, 6, 3, padding=1),
        nn.Dropout2d(0.3),
        Residual(Sequential(Conv2d(6, 6, 3, padding=1), nn.DropPath(0.4))),
        Flatten(),
        Linear(6 * 4 * 3, 16, bias=False),
        nn.BiasActDropout(16, "gelu", 0.2),
        Residual(Linear(16, 16), nn.DropoutAdd(0.3)),
        nn.AlphaDropout(0.1),
        nn.Dropout(0.4),
        Linear(16, 3),
    ).double()


def normalised_over_all():
    """Return such a network with synchronised batch norms."""
    first, *layers, last = independent_samples()
    norms = nn.SyncBatchNorm(6), nn.SyncBatchNorm(16)
    return Sequential(first, norms[0], torch.nn.ReLU(), *layers, norms[1], last).double()


def every_layer():
    """Return a network with every layer that drops or normalises."""
    torch.manual_seed(0)
    return Sequential(
        Conv2d(2, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.Dropout2d(0.3),
        nn.BatchNormAct2d(6, "gelu", 0.2),
        nn.SyncBatchNorm(6),
        nn.FeatureAlphaDropout(0.2),
        Flatten(2),
        nn.Dropout1d(0.1),
        nn.BatchNormAct1d(6, "gelu", 0.2),
        Unflatten(2, (4, 3, 1)),
        nn.Dropout3d(0.2),
        nn.BatchNormAct3d(6, "gelu", 0.2),
        nn.BatchNorm3d(6),
        Flatten(),
        Linear(6 * 4 * 3, 16, bias=False),
        nn.BiasActDropout(16, "gelu", 0.2),
        nn.BatchNorm1d(16),
        Residual(Sequential(Linear(16, 16), nn.DropPath(0.4))),
        Residual(Linear(16, 16), nn.DropoutAdd(0.3)),
        nn.AlphaDropout(0.1),
        nn.Dropout(0.4),
        Linear(16, 3),
    ).double()


def batches():
    """Return the images and the labels of each step."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(NUM_STEPS, BATCH, 2, 4, 3, generator=generator, dtype=torch.float64)
    labels = torch.randint(3, (NUM_STEPS, BATCH), generator=generator)
    return list(zip(images, labels, strict=True))


def part_of(rank, world_size):
    """Return a rank's part of each step's batch."""
    return [
        (images.chunk(world_size)[rank], labels.chunk(world_size)[rank])
        for images, labels in batches()
    ]


def train(model, steps, seed=SEED):
    """Return the loss of each step, the gradients of the first, and the state after the last."""
    torch.manual_seed(seed)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses, gradients = [], None
    for images, labels in steps:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        losses.append(loss.detach())
        gradients = gradients or [whole(parameter.grad) for parameter in model.parameters()]
        optimiser.step()
    return {"losses": torch.stack(losses), "gradients": gradients, "state": state_of(model)}


def state_of(model):
    """Return a model's whole state, under the names that it has without wrappers."""
    state = model.state_dict()
    return {
        name.removeprefix("_orig_mod.").removeprefix("module."): whole(state[name])
        for name in state
    }


def whole(tensor):
    """Return a copy of a tensor, gathered from all ranks where they share it."""
    return (tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor).detach().clone()
