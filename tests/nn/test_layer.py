"""What every layer has in common: rates that are tensors, torch.fx, torch.jit."""

import copy
import io

import pytest
import torch

from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, UnsupportedError

MAKERS = {
    "Dropout": nn.Dropout,
    "Dropout2d": nn.Dropout2d,
    "AlphaDropout": nn.AlphaDropout,
    "DropPath": nn.DropPath,
    "BatchNormAct2d": lambda p: nn.BatchNormAct2d(3, "relu", p),
    "BiasActDropout": lambda p: nn.BiasActDropout(5, "relu", p),
}
makers = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@makers
def test_rate_that_is_a_tensor_drops_as_the_number_does(make):
    x = torch.randn(4, 3, 6, 5)
    torch.manual_seed(0)
    expected = make(0.25)(x)
    torch.manual_seed(0)
    assert torch.equal(make(torch.tensor(0.25))(x), expected)


@makers
def test_rate_that_is_a_tensor_is_a_buffer_outside_the_state_dict(make):
    layer, plain = make(torch.tensor(0.25)), make(0.25)
    assert dict(layer.named_buffers())["p"].item() == 0.25
    assert list(layer.state_dict()) == list(plain.state_dict())
    layer.load_state_dict(plain.state_dict())


@makers
def test_layer_with_a_tensor_for_a_rate_is_copied_and_pickled(make):
    layer, buffer = make(torch.tensor(0.25)), io.BytesIO()
    torch.save(layer, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=False)
    for other in (copy.deepcopy(layer), loaded):
        assert other.p.item() == 0.25
        assert other.p is not layer.p
        assert repr(other) == repr(layer)


def test_buffer_is_not_the_tensor_that_was_given():
    rate = torch.tensor(0.25)
    layer = nn.Dropout(rate)
    rate.fill_(1.0)
    assert layer.p.item() == 0.25


@makers
def test_tensor_that_is_no_probability_is_refused(make):
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        make(torch.tensor(1.5))


@makers
def test_script_is_refused_with_what_to_use_instead(make):
    with pytest.raises(UnsupportedError, match=r"does not support torch\.jit\. Use torch\.compile"):
        torch.jit.script(torch.nn.Sequential(make(0.25)))


class Functions(torch.nn.Module):
    def forward(self, x):
        return F.dropout_add(F.dropout(F.relu(x), 0.3), x, 0.2)


def test_functions_are_nodes_of_a_graph_that_torch_fx_traces():
    traced, x = torch.fx.symbolic_trace(Functions()), torch.randn(50)
    names = [node.target for node in traced.graph.nodes if node.op == "call_function"]
    assert names == [torch.nn.functional.relu, F.dropout, F.dropout_add]
    torch.manual_seed(0)
    expected = Functions()(x)
    torch.manual_seed(0)
    assert torch.equal(traced(x), expected)


class Tagged(torch.Tensor):
    """A subclass whose results are of its own class, as torch's default has it."""


def test_subclass_of_tensor_gets_its_own_class_back():
    assert type(F.dropout(torch.ones(3).as_subclass(Tagged), 0.5)) is Tagged


class Refusing:
    """Stands for a tensor, and takes over every function."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return function.__name__, args[1:], kwargs


def test_class_that_stands_for_a_tensor_takes_a_function_over():
    assert F.dropout(Refusing(), 0.5, training=False) == ("dropout", (0.5,), {"training": False})
