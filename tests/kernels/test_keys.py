"""Capture of a CUDA graph, as far as it shows without a GPU; and where draws start from."""

import subprocess
import sys

import pytest
import torch

from wolfsbane.errors import UnsupportedError
from wolfsbane.kernels import keys
from wolfsbane.kernels.library import operators as computed
from wolfsbane.kernels.transforms import refuse_capture

CUDA = torch.device("cuda")


class OnCuda:
    """As much of a tensor on a GPU as is asked."""

    is_cuda, device = True, CUDA


def test_key_is_not_drawn_while_a_cuda_graph_is_captured(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    state = torch.get_rng_state()
    with pytest.raises(UnsupportedError, match=r"the same mask for ever\. Capture in evaluation"):
        keys.draw(None, OnCuda())
    assert torch.equal(torch.get_rng_state(), state)


def test_key_is_drawn_where_none_is_captured(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    assert isinstance(keys.draw(None, OnCuda()), int)


def test_operators_are_marked_as_unsafe_in_cuda_graphs():
    for name in ("draw_key", "masked_affine", "batch_norm", "bias_act_dropout", "dropout_add"):
        operator = getattr(torch.ops.wolfsbane, name).default
        assert torch.Tag.cudagraph_unsafe in operator.tags


def test_operators_ask_too(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    with pytest.raises(UnsupportedError, match="the same mask for ever"):
        refuse_capture(CUDA)
    refuse_capture(torch.device("cpu"))
    asked = []
    monkeypatch.setattr(computed, "refuse_capture", asked.append)
    x, key = torch.ones(4, 3), torch.tensor(3)
    tail = (key, 0.5, "relu", 0.0, 0)
    operators = torch.ops.wolfsbane
    operators.masked_affine(x, key, 0.5, 2.0, 0.0, 0.0, [4, 3], 0)
    operators.dropout_add(x, x, key, 0.5, 0)
    operators.batch_norm(x, None, None, 1e-5, None, None, *tail)
    operators.bias_act_dropout(x, None, *tail)
    assert asked == [x.device] * 4


IN_A_MODE = """
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
with {mode}:
    import wolfsbane
    wolfsbane.nn.Dropout().eval()(torch.ones(3))
step = torch.compile(wolfsbane.nn.Dropout(), backend="aot_eager", fullgraph=True)
torch.manual_seed(0)
y = step(torch.ones(100, requires_grad=True))
torch.manual_seed(0)
assert torch.equal(y, wolfsbane.nn.Dropout()(torch.ones(100)))
"""


@pytest.mark.parametrize("mode", ["torch.inference_mode()", "FakeTensorMode()"])
def test_first_use_inside_a_mode_leaves_the_compiler_alone(mode):
    subprocess.run([sys.executable, "-c", IN_A_MODE.format(mode=mode)], check=True)
