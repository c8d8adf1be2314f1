"""Small models, each with something that a look at it could change, or could not follow."""

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class Counting(nn.Module):
    """Counts its calls in an attribute, in a list, and in a buffer."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6)
        self.calls = 0
        self.seen = []
        self.register_buffer("total", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        self.seen.append(float(self.calls))
        self.total += 1
        return self.fc(x)


class Clamping(nn.Module):
    """Writes into its own parameter, and takes a branch by what it computes."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward(self, x):
        self.fc.weight.data.clamp_(-0.01, 0.01)
        y = self.fc(x)
        return y.relu() if y.sum() > 0 else y.tanh()


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 6)
        self.head = nn.Linear(6, 11, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens):
        return self.head(self.embed(tokens))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(6, 5, num_layers=2, dropout=0.3, batch_first=True)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


@dataclass
class Output:
    """What a transformer returns: no tree that torch knows."""

    logits: torch.Tensor
    weights: tuple = ()
    notes: dict[str, Any] = field(default_factory=dict)


class Attention(nn.Module):
    """Attention as transformers writes it: softmax, F.dropout, an output with names."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(6, 18)
        self.out = nn.Linear(6, 6)
        self.norm = nn.LayerNorm(6)
        self.p = 0.1

    def forward(self, hidden, *, mask=None):
        q, k, v = self.qkv(hidden).chunk(3, dim=-1)
        scores = q @ k.transpose(-1, -2)
        if mask is not None:
            scores = scores + mask
        weights = F.dropout(scores.softmax(dim=-1), p=self.p, training=self.training)
        mixed = self.out(weights @ v)
        return Output(self.norm(hidden + mixed), (weights,), {"none": None})


class Drawing(nn.Module):
    """Draws random numbers in evaluation, from every source there is."""

    def forward(self, x):
        return F.dropout(x, 0.2) + random.random() + np.random.rand()  # noqa: NPY002


class Writing(nn.Module):
    """Writes into its input."""

    def forward(self, x):
        return x.mul_(2).relu_()


class Raising(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(6)

    def forward(self, x):
        self.bn(x)
        self.touched = True
        raise RuntimeError("no such luck")


def with_hooks():
    model = nn.Sequential(nn.Linear(6, 6), nn.ReLU())
    model.seen = []
    model[0].register_forward_hook(lambda *call: model.seen.append(call[2]))
    model[0].register_forward_pre_hook(lambda *_: model.seen.append("before"))
    model.register_full_backward_hook(lambda *_: model.seen.append("backward"))
    return model


def with_mixed_modes():
    model = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Dropout(0.5))
    model[1].eval()
    return model


def with_old_spectral_norm():
    return nn.Sequential(nn.utils.spectral_norm(nn.Linear(6, 6)), nn.ReLU())


def with_gradients():
    model = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6))
    model(torch.randn(5, 6)).sum().backward()
    return model


def of_rows():
    return torch.randn(5, 6)


CASES = {
    "batch norm": (lambda: nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6)), of_rows),
    "spectral norm": (lambda: nn.Sequential(spectral_norm(nn.Linear(6, 6))), of_rows),
    "spectral norm by hooks": (with_old_spectral_norm, of_rows),
    "a counter": (Counting, of_rows),
    "clamped weights": (Clamping, of_rows),
    "hooks": (with_hooks, of_rows),
    "mixed modes": (with_mixed_modes, of_rows),
    "gradients": (with_gradients, of_rows),
    "tied weights": (Tied, lambda: torch.arange(10).reshape(2, 5)),
    "a recurrent net": (Recurrent, lambda: torch.randn(2, 4, 6)),
    "attention": (Attention, lambda: {"hidden": torch.randn(2, 4, 6)}),
    "random numbers": (Drawing, of_rows),
    "a written input": (Writing, of_rows),
    "an error": (Raising, of_rows),
    "lazy layers": (lambda: nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d()), of_rows),
    "wrong inputs": (lambda: nn.Linear(6, 6), lambda: torch.randn(5, 7)),
}
"""By name: a function that makes a model, and one that makes its inputs."""
