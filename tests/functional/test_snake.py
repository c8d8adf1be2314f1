"""Snake against its formula, and what its paper says of it."""

import math

import numpy as np
import pytest
import torch

from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError

FREQUENCIES = (1e-3, 0.2, 1.0, 5.0, 50.0)


def test_float32_is_within_a_few_roundings_of_float64():
    """Four eps of the input: a rounding of the angle a x counts as one of x."""
    x = torch.cat([torch.linspace(-100, 100, 20_001), torch.logspace(-30, 2, 2_001)])
    for a in FREQUENCIES:
        wide = x.double().numpy()
        truth = torch.from_numpy(wide + np.sin(a * wide) ** 2 / a)
        allowed = 4 * torch.finfo(torch.float32).eps * x.double().abs()
        assert (F.snake(x, a).double() - truth).abs().le(allowed).all()


def test_derivatives_are_those_of_the_formula_at_zero_and_next_to_it():
    values = torch.tensor([0.0, 1e-12, -1e-9, 1e-8, 1e-5, 1.0, -30.0], dtype=torch.float64)
    for a in (0.0, 1e-12, 1e-6, 1.0, -2.0, 50.0):
        x = values.clone().requires_grad_()
        alpha = torch.tensor([a], dtype=torch.float64, requires_grad=True)
        (by_x,) = torch.autograd.grad(F.snake(x, alpha).sum(), x, create_graph=True)
        by_x_twice, by_both = torch.autograd.grad(by_x.sum(), [x, alpha])
        torch.testing.assert_close(by_x, 1 + torch.sin(2 * a * values))
        torch.testing.assert_close(by_x_twice, 2 * a * torch.cos(2 * a * values))
        expected = (2 * values * torch.cos(2 * a * values)).sum().view(1)
        torch.testing.assert_close(by_both, expected)


def test_frequency_of_zero_is_the_identity_and_has_a_gradient():
    x, alpha = torch.tensor([-3.0, 0.0, 2.0, 1e18]), torch.zeros(1, requires_grad=True)
    y = F.snake(x, alpha)
    assert torch.equal(y, x)
    y[:3].sum().backward()
    assert alpha.grad.item() == 13.0  # x² of each


def test_frequency_of_zero_passes_gradcheck():
    x = torch.tensor([[-3.0, 0.0], [2.0, 1e-3]], dtype=torch.float64, requires_grad=True)
    alpha = torch.tensor([0.0, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(F.snake, (x, alpha))
    assert torch.autograd.gradgradcheck(F.snake, (x, alpha))


@pytest.mark.parametrize("a", [0.3, 1.0, 4.0])
def test_it_never_falls_and_repeats_with_period_pi_over_a(a):
    x = torch.linspace(-10, 10, 10_001, dtype=torch.float64)
    y = F.snake(x, a)
    assert y.diff().ge(0).all()
    torch.testing.assert_close(F.snake(x + math.pi / a, a), y + math.pi / a)


@pytest.mark.parametrize("a", [0.1, 0.56045, 1.0, 3.0])
def test_variance_for_normal_inputs_is_the_paper_s(a):
    """By quadrature. The paper, on initialisation: 1 + (1 + exp(-8 a²) - 2 exp(-4 a²)) / (8 a²)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = torch.from_numpy(weights / weights.sum())
    y = F.snake(torch.from_numpy(nodes), a)
    mean = (weights * y).sum()
    variance = (weights * (y - mean).square()).sum().item()
    paper = 1 + (1 + math.exp(-8 * a * a) - 2 * math.exp(-4 * a * a)) / (8 * a * a)
    assert variance == pytest.approx(paper, rel=1e-9)


def test_each_channel_has_its_frequency():
    x, alpha = torch.randn(2, 3, 5), torch.tensor([0.0, 1.0, 7.0])
    y = F.snake(x, alpha)
    for channel, a in enumerate(alpha.tolist()):
        assert torch.equal(y[:, channel], F.snake(x[:, channel], a))


def test_layer_learns_one_frequency_for_each_channel_one_for_all_or_none():
    assert [p.shape for p in nn.Snake(7).parameters()] == [(7,)]
    assert [p.shape for p in nn.Snake(1).parameters()] == [(1,)]
    assert list(nn.Snake(alpha=3.0).parameters()) == []
    assert nn.Snake(7, alpha=30).alpha.tolist() == [30.0] * 7
    x = torch.randn(4, 7)
    assert torch.equal(nn.Snake(7, 2.0)(x), nn.Snake(alpha=2.0)(x))
    assert torch.equal(nn.Snake(1, 2.0)(x), nn.Snake(alpha=2.0)(x))


def test_frequency_of_another_dtype_leaves_the_input_s():
    x = torch.randn(2, 3)
    assert F.snake(x, torch.ones(3).double()).dtype == torch.float32
    assert F.snake(x.half(), torch.ones(3)).dtype == torch.float16


@pytest.mark.parametrize("shape", [(8, 10, 3), (3,), ()])
def test_frequencies_that_are_not_one_a_channel_are_refused(shape):
    with pytest.raises(ShapeError, match=r"alpha has 3 elements, one for each channel"):
        F.snake(torch.zeros(shape), torch.ones(3))


def test_frequencies_in_more_than_one_dimension_are_refused():
    with pytest.raises(ShapeError, match=r"shape is \(1, 3, 1\): alpha.flatten\(\)"):
        F.snake(torch.zeros(2, 3, 4), torch.ones(1, 3, 1))


@pytest.mark.parametrize(
    ("alpha", "error"),
    [(math.nan, ArgumentError), (math.inf, ArgumentError), ("1", ArgumentTypeError)],
)
def test_frequency_that_is_no_number_is_refused(alpha, error):
    with pytest.raises(error, match=r"alpha has to be a finite number.*for periodic data try"):
        F.snake(torch.zeros(2), alpha)
    with pytest.raises(error, match=r"alpha has to be a finite number"):
        nn.Snake(alpha=alpha)


def test_layer_refuses_a_vector_of_frequencies_and_says_where_it_goes():
    with pytest.raises(ArgumentTypeError, match=r"layer\.alpha\.data\.copy_"):
        nn.Snake(3, alpha=torch.ones(3))


def test_frequencies_that_are_integers_are_refused():
    with pytest.raises(DtypeError, match=r"alpha has to be floating-point"):
        F.snake(torch.zeros(2, 3), torch.ones(3, dtype=torch.int64))


@pytest.mark.parametrize("num_features", [0, -1])
def test_number_of_channels_has_to_be_positive(num_features):
    with pytest.raises(ArgumentError, match="num_features has to be a positive integer"):
        nn.Snake(num_features)
