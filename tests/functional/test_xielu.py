"""xIELU: its parameters, its step at zero, the weights of other libraries."""

import math

import pytest
import torch

from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ShapeError


def formula(x, alpha_p, alpha_n, beta=0.5, eps=-1e-6):
    """Return the paper's activation of a number; the alphas are after softplus."""
    if x > 0:
        return alpha_p * x * x + beta * x
    return alpha_n * (math.expm1(min(x, eps)) - x) + beta * x


X = (-50.0, -3.0, -0.7, -1e-3, -1e-6, -5e-7, 0.0, 1e-7, 0.4, 2.0, 30.0)


@pytest.mark.parametrize("eps", [-1e-6, 0.0, -0.1])
def test_values_are_the_formula_s_also_next_to_zero(eps):
    alpha = torch.tensor([0.3], dtype=torch.float64)
    y = F.xielu(torch.tensor(X, dtype=torch.float64), alpha, -alpha, 0.4, eps)
    above, below = math.log1p(math.exp(0.3)), 0.4 + math.log1p(math.exp(-0.3))
    expected = [formula(x, above, below, 0.4, eps) for x in X]
    torch.testing.assert_close(y, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=0)


def test_slope_is_that_of_the_paper():
    """2 alpha_p x + beta above zero, alpha_n (exp(x) - 1) + beta below."""
    x = torch.tensor([-20.0, -1.0, -1e-3, 1e-3, 2.0], dtype=torch.float64, requires_grad=True)
    layer = nn.XIELU(0.7, 0.9, dtype=torch.float64)
    (slope,) = torch.autograd.grad(layer(x).sum(), x)
    below = 0.9 * torch.expm1(x) + 0.5
    torch.testing.assert_close(slope, torch.where(x > 0, 2 * 0.7 * x + 0.5, below).detach())


def test_step_at_zero_is_that_of_the_paper_s_code_and_goes_with_eps():
    for eps, value, slope in ((-1e-6, 0.8 * math.expm1(-1e-6), 0.5 - 0.8), (0.0, 0.0, 0.5)):
        x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        y = nn.XIELU(eps=eps, dtype=torch.float64)(x)
        (found,) = torch.autograd.grad(y.sum(), x)
        assert y.item() == pytest.approx(value, rel=1e-9)
        assert found.item() == pytest.approx(slope, rel=1e-12)


def test_formula_without_step_passes_gradcheck_at_zero_in_first_order():
    x = torch.tensor([0.0, -1e-3, 1e-3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(nn.XIELU(eps=0.0, dtype=torch.float64), x)


@pytest.mark.parametrize("alpha_p", [1e-3, 0.8, 40.0, 800.0])
def test_layer_starts_from_the_bends_asked_for(alpha_p):
    layer = nn.XIELU(alpha_p, 0.9, beta=0.2, dtype=torch.float64)
    softplus = torch.nn.functional.softplus
    assert softplus(layer.alpha_p).item() == pytest.approx(alpha_p, rel=1e-9)
    assert 0.2 + softplus(layer.alpha_n).item() == pytest.approx(0.9, rel=1e-12)
    assert (layer.beta.item(), layer.eps.item()) == (0.2, -1e-6)


def test_bend_below_zero_is_never_under_beta():
    """With softplus(a_n) = 0, alpha_n is beta, and what is left is beta (exp(x) - 1)."""
    y = F.xielu(torch.tensor([-2.0, -1.0]), torch.tensor([0.0]), torch.tensor([-100.0]))
    torch.testing.assert_close(y, 0.5 * torch.expm1(torch.tensor([-2.0, -1.0])))


def test_weights_of_transformers_load():
    """Keys, shapes and dtypes as in transformers 5, XIELUActivation, by default in bfloat16."""
    state = {
        "alpha_p": torch.tensor([0.21], dtype=torch.bfloat16),
        "alpha_n": torch.tensor([-1.05], dtype=torch.bfloat16),
        "beta": torch.tensor(0.5, dtype=torch.bfloat16),
        "eps": torch.tensor(-1e-6, dtype=torch.bfloat16),
    }
    layer = nn.XIELU(dtype=torch.bfloat16)
    assert {k: (v.shape, v.dtype) for k, v in layer.state_dict().items()} == {
        k: (v.shape, v.dtype) for k, v in state.items()
    }
    layer.load_state_dict(state)
    alpha_p = math.log1p(math.exp(state["alpha_p"].item()))
    alpha_n = 0.5 + math.log1p(math.exp(state["alpha_n"].item()))
    expected = [formula(x, alpha_p, alpha_n) for x in (-2.0, 0.25, 3.0)]
    y = layer(torch.tensor([-2.0, 0.25, 3.0]))
    torch.testing.assert_close(y, torch.tensor(expected), rtol=1e-6, atol=0)
    assert layer(torch.zeros(1, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_gradients_are_finite_where_the_other_branch_would_overflow():
    layer, x = nn.XIELU(40.0, 40.0), torch.tensor([-1e38, -1e3, 1e3, 1e15], requires_grad=True)
    layer(x).sum().backward()
    assert all(tensor.grad.isfinite().all() for tensor in (x, *layer.parameters()))


def test_infinite_inputs_have_their_limits():
    y = nn.XIELU()(torch.tensor([-math.inf, math.inf]))
    assert y.tolist() == [math.inf, math.inf]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"alpha_p_init": 0.0}, "alpha_p_init has to be larger than 0, but got 0.0"),
        ({"alpha_n_init": 0.5}, r"alpha_n_init has to be larger than 0\.5, but got 0\.5"),
        ({"beta": 0.9}, r"alpha_n_init has to be larger than 0\.9, but got 0\.8"),
        ({"eps": 1e-6}, "eps has to be 0 or less, but got 1e-06"),
        ({"beta": math.nan}, "beta has to be a finite number, but got nan"),
    ],
)
def test_impossible_start_is_refused(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        nn.XIELU(**arguments)


def test_start_that_is_no_number_is_refused():
    with pytest.raises(ArgumentTypeError, match=r"alpha_p_init has to be a finite number"):
        nn.XIELU("0.8")


def test_more_than_one_bend_is_refused():
    with pytest.raises(ShapeError, match="alpha_n should contain 1 element not 3"):
        F.xielu(torch.zeros(2), torch.zeros(1), torch.zeros(3))
