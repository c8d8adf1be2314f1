"""Models that drop in every way there is, and what they are called with."""

from dataclasses import dataclass
from typing import Any

import pytest
from torch import nn
from torch.nn import functional as torch_functional

from wolfsbane import functional as F
from wolfsbane import nn as ours


class Functional(nn.Module):
    """Drops by torch's function, as most models do that do not use the layer."""

    def __init__(self):
        super().__init__()
        self.p = 0.3
        self.before, self.after = nn.Linear(6, 32), nn.Linear(32, 3)

    def forward(self, x):
        hidden = self.before(x).relu()
        return self.after(torch_functional.dropout(hidden, self.p, self.training))


class OursFunctional(Functional):
    def forward(self, x):
        return self.after(F.dropout(self.before(x).relu(), self.p, self.training))


class Attention(nn.Module):
    """Hands its rate to attention only in training mode."""

    def __init__(self):
        super().__init__()
        self.attention_dropout = 0.3
        self.inward, self.outward = nn.Linear(6, 24), nn.Linear(8, 3)

    def forward(self, x):
        q, k, v = (self.inward(x).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)).unbind(0)
        rate = self.attention_dropout if self.training else 0.0
        y = torch_functional.scaled_dot_product_attention(q, k, v, dropout_p=rate, is_causal=True)
        return self.outward(y.transpose(1, 2).flatten(2)).mean(1)


class SelfAttention(nn.Module):
    def __init__(self, need_weights):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, dropout=0.3, batch_first=True)
        self.need_weights = need_weights

    def forward(self, x):
        return self.attention(x, x, x, need_weights=self.need_weights)[0].mean(1)


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.net = kind(6, 8, num_layers=3, dropout=0.4, batch_first=True, **options)

    def forward(self, x):
        return self.net(x)[0][:, -1]


class Gated(nn.Module):
    """Drops by hand, in training mode only, as timm's DropPath does."""

    def __init__(self):
        super().__init__()
        self.branch, self.drop = nn.Linear(6, 6), DropPath(0.4)

    def forward(self, x):
        return x + self.drop(self.branch(x))


class DropPath(nn.Module):
    def __init__(self, drop_prob):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        if not self.training:
            return x
        kept = x.new_empty(x.shape[0], *(1,) * (x.dim() - 1)).bernoulli_(1 - self.drop_prob)
        return x * kept / (1 - self.drop_prob)


class AddedBranch(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch, self.add = nn.Linear(6, 6), ours.DropoutAdd(0.4)

    def forward(self, x):
        return self.add(self.branch(x), x)


def encoder(**options):
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.2, batch_first=True, **options)
    return nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(40, 3))


def around(layer, features=6):
    """Return a network with a dropout layer in it."""
    return nn.Sequential(nn.Linear(features, features), layer, nn.Linear(features, 3))


@dataclass(frozen=True)
class Case:
    """A model that drops; `masked` where all it draws is masks, `mapped` where vmap can run it."""

    name: str
    make: Any
    shape: tuple[int, ...]
    masked: bool = True
    mapped: bool = True


IMAGE, SEQUENCE, VECTOR, VOLUME = (4, 5, 6, 6), (4, 5, 6), (4, 6), (4, 5, 3, 6, 6)

CASES = [
    Case("Dropout", lambda: around(nn.Dropout(0.4)), VECTOR),
    Case("Dropout-inplace", lambda: around(nn.Dropout(0.4, inplace=True)), VECTOR),
    Case("Dropout1d", lambda: around(nn.Dropout1d(0.4)), SEQUENCE),
    Case("Dropout2d", lambda: around(nn.Dropout2d(0.4)), IMAGE),
    Case("Dropout3d", lambda: around(nn.Dropout3d(0.4)), VOLUME),
    Case("AlphaDropout", lambda: around(nn.AlphaDropout(0.4)), VECTOR),
    Case("FeatureAlphaDropout", lambda: around(nn.FeatureAlphaDropout(0.4)), SEQUENCE),
    Case("ours.Dropout", lambda: around(ours.Dropout(0.4)), VECTOR),
    Case("ours.Dropout1d", lambda: around(ours.Dropout1d(0.4)), SEQUENCE),
    Case("ours.Dropout2d", lambda: around(ours.Dropout2d(0.4)), IMAGE),
    Case("ours.Dropout3d", lambda: around(ours.Dropout3d(0.4)), VOLUME),
    Case("ours.AlphaDropout", lambda: around(ours.AlphaDropout(0.4)), VECTOR),
    Case("ours.FeatureAlphaDropout", lambda: around(ours.FeatureAlphaDropout(0.4)), SEQUENCE),
    Case("ours.DropPath", lambda: around(ours.DropPath(0.4)), VECTOR),
    Case("ours.BiasActDropout", lambda: around(ours.BiasActDropout(6, p=0.4)), VECTOR),
    Case("ours.BatchNormAct1d", lambda: around(ours.BatchNormAct1d(6, p=0.4)), VECTOR),
    Case("ours.DropoutAdd", AddedBranch, VECTOR),
    Case("F.dropout", Functional, VECTOR),
    Case("ours.functional", OursFunctional, VECTOR),
    Case("attention", Attention, SEQUENCE),
    Case("MultiheadAttention", lambda: SelfAttention(need_weights=False), SEQUENCE),
    Case("MultiheadAttention-weights", lambda: SelfAttention(need_weights=True), SEQUENCE),
    Case("TransformerEncoder", encoder, (4, 5, 8)),
    Case("LSTM", lambda: Recurrent(nn.LSTM, bidirectional=True), SEQUENCE, mapped=False),
    Case("LSTM-projected", lambda: Recurrent(nn.LSTM, proj_size=3), SEQUENCE, mapped=False),
    Case("GRU", lambda: Recurrent(nn.GRU), SEQUENCE, mapped=False),
    Case("RNN", lambda: Recurrent(nn.RNN, nonlinearity="relu", bias=False), SEQUENCE, mapped=False),
    Case("by hand", Gated, VECTOR, masked=False),
]

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
strategies = pytest.mark.parametrize(
    ("case", "strategy"),
    [
        pytest.param(case, strategy, id=f"{case.name}-{strategy}")
        for case in CASES
        for strategy in ("loop", "prefix", "replicate", "auto")
        if case.masked and (case.mapped or strategy != "prefix")
    ],
)
masked_cases = pytest.mark.parametrize(
    "case", [case for case in CASES if case.masked], ids=lambda case: case.name
)
