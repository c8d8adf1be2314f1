"""Attention and recurrent nets, taken apart, compute what torch computes."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as torch_functional

from uncertainty.mc_models import Attention, SelfAttention
from wolfsbane.uncertainty import mc_dropout


@pytest.mark.parametrize("need_weights", [True, False])
def test_attention_taken_apart_is_torchs_but_for_its_masks(need_weights):
    model, x = SelfAttention(need_weights).eval(), torch.randn(2, 5, 6)
    model.attention.dropout = 1e-9  # live, and too small a rate to drop anything
    found = mc_dropout(model, x, 2, "loop")
    torch.testing.assert_close(found.mean, model(x).detach(), atol=1e-6, rtol=1e-5)


def test_functional_attention_taken_apart_is_torchs_but_for_its_masks():
    model, x = Attention().eval(), torch.randn(2, 5, 6)
    model.attention_dropout = 1e-9
    found = mc_dropout(model, x, 2, "loop")
    torch.testing.assert_close(found.mean, model(x).detach(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("masked", ["bool", "float"])
@pytest.mark.parametrize("enable_gqa", [True, False])
def test_attention_masks_and_groups_are_torchs(masked, enable_gqa):
    class Masked(nn.Module):
        def forward(self, q, k, rate=1e-9):
            seen = torch.ones(5, 5, dtype=torch.bool).tril()
            seen = seen if masked == "bool" else torch.zeros(5, 5).masked_fill(~seen, -math.inf)
            return torch_functional.scaled_dot_product_attention(
                q, k, k, seen, dropout_p=rate, scale=0.3, enable_gqa=enable_gqa
            )

    q, k = torch.randn(2, 4, 5, 8), torch.randn(2, 2 if enable_gqa else 4, 5, 8)
    found = mc_dropout(Masked(), (q, k), 2, "loop")
    torch.testing.assert_close(found.mean, Masked()(q, k, 0.0), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("packed", [True, False])
def test_recurrent_nets_taken_apart_are_torchs_but_for_their_masks(kind, packed):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = kind(6, 8, num_layers=3, dropout=1e-9, bidirectional=True)

        def forward(self, x):
            x = x.transpose(0, 1)
            if packed:
                x = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 4, 2]))
            output, state = self.net(x)
            data = output.data if packed else output
            state = state[0] if kind is nn.LSTM else state
            return torch.cat([data.flatten(), state.flatten()])

    model, x = Net().eval(), torch.randn(3, 5, 6)
    found = mc_dropout(model, x, 2, "loop")
    torch.testing.assert_close(found.mean, model(x).detach(), atol=1e-6, rtol=1e-5)
