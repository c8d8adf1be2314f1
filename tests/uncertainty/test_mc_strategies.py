"""Strategies: which one runs, and what is done where one cannot."""

import pytest
import torch
from torch import nn
from torch.nn import functional as torch_functional

from uncertainty.mc_models import Recurrent
from wolfsbane.errors import (
    UnsupportedError,
)
from wolfsbane.uncertainty import mc_dropout


def seeded(seed=5):
    return torch.Generator().manual_seed(seed)


def test_prediction_says_what_ran_and_why():
    body = nn.Sequential(*(nn.Conv2d(16, 16, 3, padding=1) for _ in range(8)))
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 2))
    prediction = mc_dropout(nn.Sequential(body, head), torch.randn(8, 16, 32, 32))
    assert prediction.strategy == "prefix"
    assert "of a pass comes before the first drop" in prediction.reason
    named = mc_dropout(head, torch.randn(2, 16, 3, 3), 4, "loop")
    assert (named.strategy, named.reason) == ("loop", "as asked")


class Deciding(nn.Module):
    """Looks at its data, which vmap cannot."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        dropped = self.drop(x)
        return dropped if dropped.sum().item() > 0 else -dropped


def test_model_that_vmap_cannot_run_falls_back_in_auto_and_raises_when_named():
    x = torch.randn(4, 6)
    loop = mc_dropout(Deciding(), x, 20, "loop", generator=seeded())
    auto = mc_dropout(Deciding(), x, 20, generator=seeded())
    assert auto.strategy == "loop"
    torch.testing.assert_close(auto.mean, loop.mean)
    with pytest.raises(UnsupportedError, match="'prefix' cannot run this model: RuntimeError"):
        mc_dropout(Deciding(), x, 20, "prefix")
    with pytest.raises(UnsupportedError, match="Python looks at numbers after the first drop"):
        mc_dropout(Deciding(), x, 20, "replicate")


def test_recurrent_net_says_that_vmap_cannot_run_it():
    with pytest.raises(UnsupportedError, match="Batching rule not implemented"):
        mc_dropout(Recurrent(nn.GRU), torch.randn(4, 5, 6), 6, "prefix")


def test_auto_keeps_to_the_loop_where_rows_depend_on_one_another():
    model = nn.Sequential(
        nn.Dropout(0.3), nn.BatchNorm1d(6, track_running_stats=False), nn.Linear(6, 2)
    )
    x = torch.randn(4, 6)
    loop = mc_dropout(model, x, 24, "loop", generator=seeded(), keep_samples=True).samples
    auto = mc_dropout(model, x, 24, generator=seeded(), keep_samples=True).samples
    torch.testing.assert_close(auto, loop, atol=1e-5, rtol=1e-4)
    with pytest.raises(UnsupportedError, match="rows depend on one another"):
        mc_dropout(model, x, 24, "replicate")


def test_model_that_looks_at_the_place_of_a_row_is_not_replicated():
    class Placed(nn.Module):
        def forward(self, x):
            return torch_functional.dropout(x, 0.5) + torch.arange(x.size(0)).view(-1, 1)

    x = torch.randn(4, 6)
    loop = mc_dropout(Placed(), x, 24, "loop", generator=seeded(), keep_samples=True).samples
    auto = mc_dropout(Placed(), x, 24, generator=seeded(), keep_samples=True).samples
    torch.testing.assert_close(auto, loop)
    with pytest.raises(UnsupportedError, match="'replicate' cannot run this model"):
        mc_dropout(Placed(), x, 24, "replicate")
