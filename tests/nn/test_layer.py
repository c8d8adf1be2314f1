"""What every layer has in common: rates that are tensors, torch.fx, torch.jit."""

import copy
import io

import pytest
import torch

from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, UnsupportedError

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


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_rate_keeps_its_number_when_the_layer_is_converted(dtype):
    layer = torch.nn.Sequential(nn.Dropout(torch.tensor(0.1))).to(dtype)[0]
    assert layer.p.item() == torch.tensor(0.1).item()


def test_rate_survives_a_layer_without_memory():
    layer = nn.BatchNormAct1d(3, p=torch.tensor(0.25)).to("meta").to_empty(device="cpu")
    assert layer.p.item() == 0.25


def test_rate_may_be_set_as_a_number_or_a_tensor():
    layer = nn.Dropout(torch.tensor(0.25))
    layer.p = 0.5
    assert (layer.p, dict(layer.named_buffers())) == (0.5, {})
    layer.p = torch.tensor(0.75)
    assert dict(layer.named_buffers())["p"].item() == 0.75


@pytest.mark.parametrize("rate", [0.0, 1.0, 0.5])
def test_tensor_for_a_rate_draws_as_much_in_a_graph_as_outside(rate):
    model, x = torch.nn.Sequential(nn.Dropout(torch.tensor(rate)), nn.Dropout(0.5)), torch.ones(64)
    graph = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.manual_seed(0)
    expected = model(x)
    torch.manual_seed(0)
    assert torch.equal(graph(x), expected)


@pytest.mark.parametrize(
    "rate", [torch.tensor([0.5]), torch.tensor(1), torch.tensor(0.5 + 0j)], ids=str
)
@makers
def test_tensor_that_is_no_number_is_refused(make, rate):
    with pytest.raises(ArgumentTypeError, match="tensor without dimensions, but got a tensor of"):
        make(rate)


def test_rate_that_requires_a_gradient_is_a_number_like_any_other():
    assert nn.Dropout(torch.tensor(0.25, requires_grad=True)).p.item() == 0.25


@pytest.mark.parametrize("rate", [30.0, -1.0, float("nan")])
def test_rates_that_are_mapped_over_have_to_be_probabilities(rate):
    x, rates = torch.ones(2, 8), torch.tensor([0.5, rate])
    with pytest.raises(ArgumentError, match="between 0 and 1, but got"):
        torch.func.vmap(F.dropout, randomness="different")(x, rates)


def test_map_over_nothing_gives_nothing():
    y = torch.func.vmap(nn.Dropout(), randomness="different")(torch.ones(0, 16))
    assert y.shape == (0, 16)


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


class Keywords(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.drop = nn.BatchNorm1d(3), nn.Dropout(0.5)

    def forward(self, x):
        return F.dropout(input=self.drop(input=self.norm(input=x)), p=0.5)


def test_torch_fx_traces_calls_by_keyword():
    graph = torch.fx.symbolic_trace(Keywords()).graph
    kinds = [node.op for node in graph.nodes]
    assert kinds == ["placeholder", "call_module", "call_module", "call_function", "output"]


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
