"""SwiGLU and GEGLU against the paper's feed-forward layers, with either half for the gate."""

import math

import numpy as np
import pytest
import torch

from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ShapeError

ERF = np.vectorize(math.erf)

GATES = {
    "SwiGLU": lambda g: g / (1 + np.exp(-g)),
    "GEGLU": lambda g: g * (1 + ERF(g / math.sqrt(2))) / 2,
}
names = pytest.mark.parametrize("name", GATES)
orders = pytest.mark.parametrize("gate_first", [False, True])


@names
@orders
def test_feed_forward_layer_is_the_paper_s(name, gate_first):
    """FFN(x, W, V, W2) = (gate(xW) * xV) W2, equation 6, with W and V packed in either order."""
    rng = np.random.default_rng(0)
    w, v, w2 = rng.normal(size=(5, 7)), rng.normal(size=(5, 7)), rng.normal(size=(7, 5))
    x = rng.normal(size=(3, 5))
    expected = (GATES[name](x @ w) * (x @ v)) @ w2

    packed = torch.nn.Linear(5, 14, bias=False, dtype=torch.float64)
    last = torch.nn.Linear(7, 5, bias=False, dtype=torch.float64)
    halves = [w, v] if gate_first else [v, w]
    packed.weight.data = torch.from_numpy(np.concatenate(halves, axis=1).T.copy())
    last.weight.data = torch.from_numpy(w2.T.copy())
    layer = getattr(nn, name)(gate_first=gate_first)
    y = torch.nn.Sequential(packed, layer, last)(torch.from_numpy(x))
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-12)


@names
def test_halves_stand_as_in_torch_s_glu_unless_said_otherwise(name):
    """The output is linear in the first half, as it is in what is gated and in no gate."""
    x = torch.tensor([[2.0, -1.0, 0.5, 3.0]], requires_grad=True)
    for layer in (torch.nn.GLU(), getattr(nn, name)()):
        y = layer(x)
        (gradient,) = torch.autograd.grad(y.sum(), x)
        torch.testing.assert_close(y, gradient[:, :2] * x[:, :2])
    other = getattr(nn, name)(gate_first=True)
    assert torch.equal(other(x.roll(2, -1)), getattr(nn, name)()(x))
    assert not torch.equal(other(x), getattr(nn, name)()(x))


@names
@pytest.mark.parametrize("dim", [1, -3, 0])
def test_any_dimension_is_split(name, dim):
    x = torch.randn(4, 6, 3, 2, dtype=torch.float64)
    value, gate = np.split(x.numpy(), 2, dim)
    y = getattr(nn, name)(dim)(x)
    np.testing.assert_allclose(y.numpy(), value * GATES[name](gate), rtol=1e-12)


def test_gelu_may_be_approximated_by_tanh():
    x = torch.randn(50, 2, dtype=torch.float64)
    g = x[:, 1:]
    inner = math.sqrt(2 / math.pi) * (g + 0.044715 * g**3)
    expected = x[:, :1] * 0.5 * g * (1 + torch.tanh(inner))
    torch.testing.assert_close(F.geglu(x, approximate="tanh"), expected)
    assert not torch.equal(F.geglu(x), F.geglu(x, approximate="tanh"))


@names
def test_odd_number_of_features_is_refused(name):
    words = (
        r"Halving dimension must be even, but dimension -1 is size 5 .*\(2, 5\).*Linear\(d, 2 \* h"
    )
    with pytest.raises(ShapeError, match=words):
        getattr(nn, name)()(torch.zeros(2, 5))


@names
def test_tensor_without_dimensions_is_refused(name):
    with pytest.raises(ShapeError, match="does not support 0-dimensional tensors"):
        getattr(nn, name)()(torch.tensor(1.0))


@names
def test_dimension_that_is_no_integer_is_refused(name):
    with pytest.raises(ArgumentTypeError, match=r"dim has to be an integer, but got 1\.5"):
        getattr(nn, name)(1.5)


def test_unknown_approximation_is_refused():
    with pytest.raises(ArgumentError, match="must be either none or tanh, but got 'sigmoid'"):
        nn.GEGLU(approximate="sigmoid")


def test_unknown_argument_is_answered_with_the_right_one():
    with pytest.raises(ArgumentTypeError, match="did you mean gate_first"):
        nn.SwiGLU(gate_frist=True)
