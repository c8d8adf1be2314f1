"""The table of kinds: every dropout there is, in a model, with what it is called with."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from uncertainty.mc_models import (
    AddedBranch,
    Attention,
    Called,
    DroppedRecurrent,
    Functional,
    Gated,
    OursFunctional,
    Recurrent,
    SelfAttention,
    TimeFirstLocked,
    Tokens,
    Words,
    around,
    encoder,
)
from wolfsbane import nn as ours


@dataclass(frozen=True)
class Case:
    """A model that drops, and the shape of what it takes.

    Args:
        masked: all that it draws are masks, or numbers of its sample's own.
        mapped: vmap can run it.
        weights: rows share what is dropped; with weights a pass holds one sample only.
        shared: rows share the mask, and are rows all the same.
    """

    name: str
    make: Any
    shape: tuple[int, ...]
    masked: bool = True
    mapped: bool = True
    weights: bool = False
    shared: bool = False

    def runs(self, strategy):
        """Whether a strategy can run it."""
        return {"prefix": self.mapped, "replicate": not self.weights}.get(strategy, True)


def concrete():
    """Return concrete dropout at a rate that was learned."""
    layer = ours.ConcreteDropout(nn.Linear(6, 6), num_samples=100)
    layer.p_logit.data.fill_(-0.4)
    return layer


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
    Case("ours.Dropout-shared", lambda: around(ours.Dropout(0.4, broadcast_dims=(1,))), SEQUENCE),
    Case(
        "ours.Dropout-shared-by-rows",
        lambda: around(ours.Dropout(0.4, broadcast_dims=(0,))),
        SEQUENCE,
        shared=True,
    ),
    Case("ours.BatchNormAct2d", lambda: nn.Sequential(ours.BatchNormAct2d(5, p=0.4)), IMAGE),
    Case("ours.BatchNormAct3d", lambda: nn.Sequential(ours.BatchNormAct3d(5, p=0.4)), VOLUME),
    Case("ours.GaussianDropout", lambda: around(ours.GaussianDropout(0.4)), VECTOR),
    Case("ours.GaussianNoise", lambda: around(ours.GaussianNoise(0.4)), VECTOR),
    Case("ours.DropBlock1d", lambda: around(ours.DropBlock1d(0.4, 2)), SEQUENCE),
    Case("ours.DropBlock2d", lambda: around(ours.DropBlock2d(0.4, 2)), IMAGE),
    Case("ours.DropBlock3d", lambda: around(ours.DropBlock3d(0.4, 2)), VOLUME),
    Case("ours.LockedDropout", lambda: around(ours.LockedDropout(0.4, batch_first=True)), SEQUENCE),
    Case("ours.LockedDropout-time-first", TimeFirstLocked, SEQUENCE),
    Case("ours.ConcreteDropout", lambda: around(concrete()), VECTOR),
    Case("ours.TokenDropout", Tokens, SEQUENCE),
    Case("ours.EmbeddingDropout", Words, SEQUENCE, weights=True),
    Case("ours.DropConnect", lambda: around(ours.DropConnect(6, 6, p=0.4)), VECTOR, weights=True),
    Case(
        "ours.WeightDrop",
        lambda: around(ours.WeightDrop(nn.Linear(6, 6), "weight", 0.4)),
        VECTOR,
        weights=True,
    ),
    Case("ours.WeightDrop-LSTM", DroppedRecurrent, SEQUENCE, mapped=False, weights=True),
    Case("F.gaussian_dropout", lambda: Called("gaussian_dropout", 0.4), SEQUENCE),
    Case("F.gaussian_noise", lambda: Called("gaussian_noise", 0.4), SEQUENCE),
    Case("F.drop_block1d", lambda: Called("drop_block1d", 0.4, 2), SEQUENCE),
    Case("F.locked_dropout", lambda: Called("locked_dropout", 0.4, batch_first=True), SEQUENCE),
    Case("F.token_dropout", lambda: Called("token_dropout", 0.4), SEQUENCE),
    Case("F.concrete_dropout", lambda: Called("concrete_dropout", torch.tensor(0.5)), SEQUENCE),
    Case("F.dropout-shared", lambda: Called("dropout", 0.4, broadcast_dims=(1,)), SEQUENCE),
    Case("by hand", Gated, VECTOR, masked=False),
]

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
strategies = pytest.mark.parametrize(
    ("case", "strategy"),
    [
        pytest.param(case, strategy, id=f"{case.name}-{strategy}")
        for case in CASES
        for strategy in ("loop", "prefix", "replicate", "auto")
        if case.masked and case.runs(strategy)
    ],
)
by_row = pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.masked and not case.weights and not case.shared],
    ids=lambda case: case.name,
)
by_weight = pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.weights or case.shared],
    ids=lambda case: case.name,
)
