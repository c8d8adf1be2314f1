"""What holds for every activation of the collection: values, derivatives, dtypes, tools."""

import copy
import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from transforms.networks import of_torch_itself
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import DtypeError, UnsupportedError

pytestmark = [*of_torch_itself]

SHAPE = (3, 4, 6)
ERF = np.vectorize(math.erf)


def numpy_snake(x, a=1.5):
    return x + (1 - np.cos(2 * a * x)) / (2 * a)


def numpy_xielu(x, alpha_p=0.8, alpha_n=0.8, beta=0.5):
    return np.where(x > 0, alpha_p * x**2 + beta * x, alpha_n * (np.exp(x) - 1 - x) + beta * x)


def numpy_sparsemax(z):
    """Project onto the simplex along the last dimension, tau found by bisection."""
    low, high = z.max(-1, keepdims=True) - 1, z.max(-1, keepdims=True)
    for _ in range(200):
        middle = (low + high) / 2
        is_low = np.maximum(z - middle, 0).sum(-1, keepdims=True) > 1
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    return np.maximum(z - high, 0)


def numpy_swiglu(x):
    value, gate = np.split(x, 2, -1)
    return value * gate / (1 + np.exp(-gate))


def numpy_geglu(x):
    value, gate = np.split(x, 2, -1)
    return value * gate * (1 + ERF(gate / math.sqrt(2))) / 2


@dataclass(frozen=True)
class Case:
    """An activation, what it computes, its state and how often a half dtype is rounded to."""

    name: str
    make: Callable[[], torch.nn.Module]
    formula: Callable[[np.ndarray], np.ndarray]
    keys: tuple[str, ...] = ()
    roundings: int = 1


CASES = (
    Case("Snake", lambda: nn.Snake(alpha=1.5), numpy_snake),
    Case("Snake-learnt", lambda: nn.Snake(4, alpha=1.5), numpy_snake, ("alpha",)),
    Case("SwiGLU", nn.SwiGLU, numpy_swiglu, roundings=2),
    Case("GEGLU", nn.GEGLU, numpy_geglu, roundings=2),
    Case("ReLUSquared", nn.ReLUSquared, lambda x: np.where(x > 0, x * x, 0)),
    Case("Squareplus", nn.Squareplus, lambda x: (x + np.sqrt(x * x + 4)) / 2),
    Case("Maxout", lambda: nn.Maxout(2), lambda x: np.maximum(x[:, 0::2], x[:, 1::2])),
    Case("CReLU", nn.CReLU, lambda x: np.concatenate([np.fmax(x, 0), np.fmax(-x, 0)], 1)),
    Case("Sparsemax", nn.Sparsemax, numpy_sparsemax),
    # Without the step at zero, which the paper's formula has not.
    Case("XIELU", lambda: nn.XIELU(eps=0.0), numpy_xielu, ("alpha_p", "alpha_n", "beta", "eps")),
)

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
halves = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)


@cases
def test_values_are_those_of_the_paper_s_formula(case):
    x, layer = 3 * torch.randn(SHAPE, dtype=torch.float64), case.make().double()
    if case.keys:
        layer.reset_parameters()
    y = layer(x).detach()
    np.testing.assert_allclose(y.numpy(), case.formula(x.numpy()), rtol=1e-13, atol=1e-14)


@cases
def test_derivatives_are_right_to_second_order(case):
    layer = case.make().double()
    x = torch.randn(SHAPE, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)
    assert torch.autograd.gradgradcheck(layer, x)


@pytest.mark.parametrize("case", [case for case in CASES if case.keys], ids=lambda case: case.name)
def test_derivatives_by_the_parameters_are_right_to_second_order(case):
    layer = case.make().double()
    names = [name for name, _ in layer.named_parameters()]
    values = tuple(p.detach().clone().requires_grad_() for p in layer.parameters())
    x = torch.randn(SHAPE, dtype=torch.float64, requires_grad=True)

    def call(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(call, (x, *values))
    assert torch.autograd.gradgradcheck(call, (x, *values))


@cases
def test_derivative_exists_in_forward_mode_and_for_maps(case):
    layer, x = case.make().double(), torch.randn(SHAPE, dtype=torch.float64)
    forward, backward = torch.func.jacfwd(layer)(x), torch.func.jacrev(layer)(x)
    torch.testing.assert_close(forward, backward)
    mapped = torch.func.vmap(layer)(torch.stack([x, -x]))
    torch.testing.assert_close(mapped, torch.stack([layer(x), layer(-x)]))


@cases
def test_evaluation_is_training_and_draws_nothing(case):
    layer, x, before = case.make(), torch.randn(SHAPE), torch.get_rng_state()
    assert torch.equal(layer.train()(x), layer.eval()(x))
    assert torch.equal(torch.get_rng_state(), before)


@cases
def test_state_survives_a_round_trip(case):
    layer = case.make()
    assert tuple(layer.state_dict()) == case.keys
    for parameter in layer.parameters():
        torch.nn.init.uniform_(parameter)
    other = case.make()
    other.load_state_dict(layer.state_dict())
    buffer, x = io.BytesIO(), torch.randn(SHAPE)
    torch.save(layer, buffer)
    buffer.seek(0)
    for same in (other, copy.deepcopy(layer), torch.load(buffer, weights_only=False)):
        assert torch.equal(same(x), layer(x))
        assert repr(same) == repr(layer)


def within_roundings(found, truth, sizes, roundings):
    """Say whether an error is that of some roundings, and of float32 at the size of the inputs."""
    rounding = torch.finfo(found.dtype).eps / 2
    floor = 8 * torch.finfo(torch.float32).eps * sizes + torch.finfo(found.dtype).tiny
    allowed = roundings * rounding * (1 + rounding) * truth.abs() + floor
    return (found.double() - truth).abs().le(allowed).all()


@cases
@halves
def test_half_precision_is_within_its_roundings_of_float64(case, dtype):
    layer = case.make()
    x = (4 * torch.randn(40, 4, 50)).to(dtype).requires_grad_()
    wide = x.detach().double().requires_grad_()
    y, truth = layer(x), copy.deepcopy(layer).double()(wide)
    (g,) = torch.autograd.grad(y.sum(), x)
    (h,) = torch.autograd.grad(truth.sum(), wide)
    assert y.dtype == dtype
    assert within_roundings(y, truth, wide.abs().max(), case.roundings)
    assert within_roundings(g, h, wide.abs().max(), case.roundings)


@cases
def test_layout_of_the_input_makes_no_difference(case):
    layer, x = case.make(), torch.randn(4, 4, 6, 8)
    expected = layer(x)
    strided = torch.empty(4, 4, 6, 16)[..., ::2].copy_(x)
    for other in (strided, x.to(memory_format=torch.channels_last), x.mT.contiguous().mT):
        assert torch.equal(layer(other), expected)


@cases
def test_empty_input_gives_empty_output_and_gradients(case):
    x = torch.empty(0, 4, 6, requires_grad=True)
    y = case.make()(x)
    y.sum().backward()
    assert y.numel() == 0
    assert x.grad.shape == x.shape
    assert y.shape == case.make()(torch.zeros(1, 4, 6))[:0].shape


@cases
def test_nan_is_not_hidden(case):
    x = torch.zeros(1, 4, 6)
    x[0, 2, 5] = math.nan
    assert case.make()(x).isnan().any()


@cases
@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64], ids=str)
def test_input_that_is_not_real_floating_point_is_refused(case, dtype):
    with pytest.raises(DtypeError, match=r"not implemented for .*Convert it: input.float\(\)"):
        case.make()(torch.zeros(SHAPE, dtype=dtype))


@cases
def test_layer_is_one_node_of_what_torch_fx_traces(case):
    model = torch.nn.Sequential(case.make())
    traced, x = torch.fx.symbolic_trace(model), torch.randn(SHAPE)
    assert [node.op for node in traced.graph.nodes] == ["placeholder", "call_module", "output"]
    assert torch.equal(traced(x), model(x))


class Functions(torch.nn.Module):
    def forward(self, x):
        return F.maxout(F.squareplus(F.snake(x, 2.0)), num_pieces=2)


def test_functions_are_nodes_of_what_torch_fx_traces():
    traced, x = torch.fx.symbolic_trace(Functions()), torch.randn(SHAPE)
    names = [node.target for node in traced.graph.nodes if node.op == "call_function"]
    assert names == [F.snake, F.squareplus, F.maxout]
    assert torch.equal(traced(x), Functions()(x))


@cases
def test_script_is_refused(case):
    with pytest.raises(UnsupportedError, match=r"Use torch\.compile"):
        torch.jit.script(case.make())


@cases
def test_layer_made_without_memory_can_be_given_its_state(case):
    layer = case.make().to("meta").to_empty(device="cpu")
    if case.keys:
        layer.reset_parameters()
    x = torch.randn(SHAPE)
    assert torch.equal(layer(x), case.make()(x))


@cases
def test_result_under_autocast_keeps_the_dtype_of_the_input(case):
    with torch.autocast("cpu", torch.bfloat16):
        assert case.make()(torch.randn(SHAPE)).dtype == torch.float32
        assert case.make()(torch.randn(SHAPE).bfloat16()).dtype == torch.bfloat16


class All(torch.nn.Module):
    """Every activation of the collection on one input."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(case.make() for case in CASES)

    def forward(self, x):
        return [layer(x) for layer in self.layers]


def compiled_and_eager(dtype):
    torch.compiler.reset()
    model, x = All(), torch.randn(SHAPE).to(dtype).requires_grad_()
    found = torch.compile(model, fullgraph=True)(x)
    torch.compiler.reset()
    return found, model(x), [x, *model.parameters()]


def test_compiled_in_one_graph_it_is_eager_code():
    found, expected, leaves = compiled_and_eager(torch.float32)
    for case, one, other in zip(CASES, found, expected, strict=True):
        torch.testing.assert_close(one, other, msg=lambda words, case=case: f"{case.name}: {words}")
    one, other = (
        torch.autograd.grad(sum(y.square().sum() for y in ys), leaves) for ys in (found, expected)
    )
    torch.testing.assert_close(one, other)


def test_compiled_in_bfloat16_it_rounds_at_most_once_more():
    """Inductor leaves out roundings between operations, so nothing is closer than these bounds."""
    found, expected, _ = compiled_and_eager(torch.bfloat16)
    for case, one, other in zip(CASES, found, expected, strict=True):
        assert one.dtype == torch.bfloat16
        rtol = case.roundings * torch.finfo(torch.bfloat16).eps
        torch.testing.assert_close(one, other, rtol=rtol, atol=1e-6)


def test_every_layer_exports():
    model, x = All().eval(), torch.randn(SHAPE)
    exported = torch.export.export(model, (x,)).module()
    for one, other in zip(exported(x), model(x), strict=True):
        assert torch.equal(one, other)
