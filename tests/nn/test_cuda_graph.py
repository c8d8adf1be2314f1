"""Capture of a CUDA graph, as far as it shows without a GPU."""

import pytest
import torch

from wolfsbane.errors import UnsupportedError
from wolfsbane.kernels import keys

CUDA = torch.device("cuda")


def test_key_is_not_drawn_while_a_cuda_graph_is_captured(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    state = torch.get_rng_state()
    with pytest.raises(UnsupportedError, match=r"the same mask for ever\. Capture in evaluation"):
        keys.draw(None, CUDA)
    assert torch.equal(torch.get_rng_state(), state)


def test_key_is_drawn_where_none_is_captured(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    assert isinstance(keys.draw(None, CUDA), int)


def test_operators_are_marked_as_unsafe_in_cuda_graphs():
    for name in ("draw_key", "masked_affine", "batch_norm", "bias_act_dropout", "dropout_add"):
        operator = getattr(torch.ops.wolfsbane, name).default
        assert torch.Tag.cudagraph_unsafe in operator.tags
