"""Alpha dropout keeps mean and variance; SELU's constants come from its paper."""

import math

import pytest
import torch

from significance import FALSE_ALARM
from wolfsbane import functional as F
from wolfsbane.mask import draw_key, keep_mask

# arXiv:1706.02515, equation 14 and section 2: lambda and alpha of SELU.
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
SATURATION = -SELU_SCALE * SELU_ALPHA

ALPHA_DROPOUTS = pytest.mark.parametrize("function", [F.alpha_dropout, F.feature_alpha_dropout])


def paper_s_coefficients(p):
    a = ((1 - p) * (1 + p * SATURATION**2)) ** -0.5
    return a, -a * p * SATURATION


@pytest.mark.parametrize("p", [0.125, 0.25, 0.5, 0.75])
def test_alpha_dropout_is_the_paper_s_formula(p):
    x = torch.randn(5000, dtype=torch.float64)
    with torch.random.fork_rng(devices=[]):
        keep = keep_mask(5000, p, draw_key())
    a, b = paper_s_coefficients(p)
    expected = a * torch.where(keep, x, SATURATION) + b
    assert torch.allclose(F.alpha_dropout(x, p, True), expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("p", [0.05, 0.1, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_mean_zero_and_variance_one_are_kept(p, dtype):
    """Normal limit: 6.5 standard errors on two estimates, false alarm below FALSE_ALARM."""
    count = 400_000
    x = torch.randn(count, dtype=dtype)
    y = F.alpha_dropout(x, p, True).double()
    mean, variance = y.mean().item(), y.var().item()
    fourth = (y - mean).pow(4).mean().item()
    assert 2 * math.erfc(6.5 / math.sqrt(2)) < FALSE_ALARM
    assert abs(mean) <= 6.5 / math.sqrt(count)
    assert abs(variance - 1) <= 6.5 * math.sqrt((fourth - variance**2) / count)


@ALPHA_DROPOUTS
def test_dropped_value_is_one_constant(function):
    p = 0.5
    a, b = paper_s_coefficients(p)
    y = function(torch.zeros(200, 50), p, True)
    # Zero becomes b where it is kept.
    assert torch.allclose(y.unique(), torch.tensor([a * SATURATION + b, b]))


@ALPHA_DROPOUTS
def test_dropped_inf_or_nan_is_gone(function):
    for value in (math.inf, -math.inf, math.nan):
        y = function(torch.full((100, 20), value), 0.5, True)
        assert 0 < y.isfinite().sum() < y.numel()


def test_feature_alpha_dropout_decides_by_channel():
    y = F.feature_alpha_dropout(torch.ones(11, 13, 5, 3), 0.5, True)
    assert torch.equal(y, y[..., :1, :1].expand_as(y))


@ALPHA_DROPOUTS
def test_default_is_evaluation(function):
    x = torch.ones(3, 3)
    assert function(x) is x


@ALPHA_DROPOUTS
def test_rate_too_small_for_sixteen_bits_changes_nothing(function):
    x = torch.randn(50, 50)
    assert torch.equal(function(x, 1e-7, True), x)
