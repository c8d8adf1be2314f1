"""Squareplus where its formula cancels and overflows, and at zero."""

import math
from decimal import Decimal, getcontext

import pytest
import torch

from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError

MAGNITUDES = torch.tensor(
    [0.0, 1e-30, 1e-6, 0.3, 1.0, 7.0, 1e3, 1e6, 1e12, 1e18], dtype=torch.float64
)
X = torch.cat([MAGNITUDES, -MAGNITUDES])


def exact(x, b=4):
    """Return value, first and second derivative, with 120 digits."""
    getcontext().prec = 120
    x, b = Decimal(x), Decimal(b)
    root = (x * x + b).sqrt()
    return (x + root) / 2, (1 + x / root) / 2, b / (2 * root**3)


def derivatives(x, b=4.0):
    x = x.clone().requires_grad_()
    y = F.squareplus(x, b)
    (first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    return y.detach(), first.detach(), second


@pytest.mark.parametrize(("dtype", "roundings"), [(torch.float64, 16), (torch.float32, 16)])
@pytest.mark.parametrize("b", [4, 0.25])
def test_value_and_derivatives_are_right_to_rounding_over_the_whole_range(dtype, roundings, b):
    """To relative rounding, far below zero too; the formula as it stands gives 0 there.

    The second derivative is a difference of terms that cancel to the size of y' / x.
    """
    x = X.to(dtype)
    eps, tiny = torch.finfo(dtype).eps, torch.finfo(dtype).tiny
    for value, y, first, second in zip(x.tolist(), *derivatives(x, float(b)), strict=True):
        truth = [float(t) for t in exact(value, b)]
        assert abs(y.item() - truth[0]) <= roundings * eps * truth[0] + tiny
        assert abs(first.item() - truth[1]) <= roundings * eps * truth[1] + tiny
        scale = max(truth[2], truth[1] / max(abs(value), 1))
        assert abs(second.item() - truth[2]) <= roundings * eps * scale + tiny


def test_largest_finite_inputs_overflow_in_no_dtype():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        largest = torch.finfo(dtype).max
        y, first, second = derivatives(torch.tensor([largest, -largest], dtype=dtype))
        assert y[0].item() == largest
        assert 0.0 <= y[1].item() <= torch.finfo(dtype).smallest_normal * 64
        assert first.tolist() == [1.0, pytest.approx(0.0, abs=1e-9)]
        assert second.isfinite().all()


def test_default_has_softplus_s_slope_and_curvature_at_zero():
    y, first, second = derivatives(torch.zeros(1, dtype=torch.float64))
    assert (y.item(), first.item(), second.item()) == (1.0, 0.5, 0.25)


def test_value_at_zero_can_be_softplus_s():
    b = 4 * math.log(2) ** 2
    assert F.squareplus(torch.zeros(1).double(), b).item() == pytest.approx(math.log(2), rel=1e-15)


def test_differs_from_its_mirror_image_by_the_input():
    x = torch.linspace(-20, 20, 101, dtype=torch.float64)
    torch.testing.assert_close(F.squareplus(x) - F.squareplus(-x), x)


def test_derivative_at_zero_passes_gradcheck():
    x = torch.tensor([0.0, -0.0, 1e-4, -1e-4], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(F.squareplus, x)
    assert torch.autograd.gradgradcheck(F.squareplus, x)


@pytest.mark.parametrize("b", [0, -1.0, math.nan, math.inf])
def test_width_that_is_not_positive_is_refused(b):
    with pytest.raises(ArgumentError, match=r"b has to be .*b=4 by default; b=0 is ReLU"):
        nn.Squareplus(b)
    with pytest.raises(ArgumentError, match=r"b has to be"):
        F.squareplus(torch.zeros(1), b)


@pytest.mark.parametrize("b", ["4", None, True])
def test_width_that_is_no_number_is_refused(b):
    with pytest.raises(ArgumentTypeError, match=r"b has to be a finite number, but got"):
        nn.Squareplus(b)
