"""Gaussian dropout and noise: Keras' formulas, moments, derivatives, edges."""

import math

import pytest
import torch

from significance import FALSE_ALARM
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, DtypeError
from wolfsbane.mask import draw_key
from wolfsbane.mask.normal import normal

COUNT = 200_000

# Of a sample's mean and variance. For a sum of independent normal numbers the mean is normal; the
# variance is chi-square, within 8 of its deviations by Laurent and Massart (see `significance`).
DEVIATIONS = 8.0
assert 2 * math.exp(-(DEVIATIONS**2) / 2) < FALSE_ALARM


def next_noise(shape):
    with torch.random.fork_rng(devices=[]):
        return normal(shape, draw_key(), torch.device("cpu"))


@pytest.mark.parametrize("p", [1e-6, 0.1, 0.5, 0.9])
def test_gaussian_dropout_is_keras_formula(p):
    x = torch.randn(7, 11, dtype=torch.float64)
    stddev = math.sqrt(p / (1.0 - p))  # keras.layers.GaussianDropout: N(1, stddev)
    expected = x * (1.0 + stddev * next_noise((7, 11)))
    torch.testing.assert_close(F.gaussian_dropout(x, p), expected)


@pytest.mark.parametrize("std", [1e-6, 0.1, 3.0])
def test_gaussian_noise_is_keras_formula(std):
    x = torch.randn(7, 11, dtype=torch.float64)
    expected = x + std * next_noise((7, 11))  # keras.layers.GaussianNoise
    torch.testing.assert_close(F.gaussian_noise(x, std), expected)


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_noise_has_the_mean_and_the_variance_of_dropout(p):
    x = torch.full((COUNT,), 3.0, dtype=torch.float64)
    ours, dropped = F.gaussian_dropout(x, p), F.dropout(x, p)
    variance = 9 * p / (1 - p)
    for y in (ours, dropped):
        assert abs(y.mean().item() - 3.0) < DEVIATIONS * math.sqrt(variance / COUNT)
        assert abs(y.var().item() / variance - 1) < DEVIATIONS * math.sqrt(2 / COUNT)


@pytest.mark.parametrize("function", [F.gaussian_dropout, F.gaussian_noise])
def test_derivatives_hold_to_second_order_and_in_both_modes(function):
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)

    def fixed(x):
        torch.manual_seed(1)
        return function(x, 0.4)

    torch.autograd.gradcheck(fixed, x, check_forward_ad=True, check_batched_grad=True)
    torch.autograd.gradgradcheck(fixed, x)


@pytest.mark.parametrize("function", [F.gaussian_dropout, F.gaussian_noise])
def test_evaluation_and_zero_return_the_input_and_draw_nothing(function):
    x, before = torch.randn(3), torch.get_rng_state()
    assert function(x, 0.5, training=False) is x
    assert function(x, 0.0) is x
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("function", [F.gaussian_dropout, F.gaussian_noise])
def test_training_draws_one_key(function):
    with torch.random.fork_rng(devices=[]):
        draw_key()
        expected = torch.get_rng_state()
    function(torch.ones(3), 0.5)
    assert torch.equal(torch.get_rng_state(), expected)


@pytest.mark.parametrize("function", [F.gaussian_dropout, F.gaussian_noise])
@pytest.mark.parametrize("dtype", [torch.int64, torch.complex64])
def test_what_is_not_of_floating_point_is_refused(function, dtype):
    with pytest.raises(DtypeError, match="floating-point"):
        function(torch.ones(3, dtype=dtype), 0.5)


@pytest.mark.parametrize(
    "make", [nn.GaussianDropout, lambda p: F.gaussian_dropout(torch.ones(2), p)]
)
@pytest.mark.parametrize("p", [1, 1.0])
def test_rate_one_is_refused_since_its_noise_would_be_infinite(make, p):
    with pytest.raises(ArgumentError, match=r"below 1 .* variance p / \(1 - p\)"):
        make(p)


@pytest.mark.parametrize(
    "make", [nn.GaussianNoise, lambda std: F.gaussian_noise(torch.ones(2), std)]
)
@pytest.mark.parametrize(
    ("std", "error"),
    [
        (-0.1, ArgumentError),
        (math.inf, ArgumentError),
        (math.nan, ArgumentError),
        ("0.1", ArgumentTypeError),
        (True, ArgumentTypeError),
        (None, ArgumentTypeError),
    ],
    ids=str,
)
def test_wrong_deviation_is_refused(make, std, error):
    with pytest.raises(error, match="std has to be a finite number of at least 0, but got"):
        make(std)


def test_keras_names_are_explained():
    with pytest.raises(ArgumentTypeError, match=r"did you mean p=0\.3"):
        nn.GaussianDropout(rate=0.3)
    with pytest.raises(ArgumentTypeError, match=r"did you mean std\?"):
        nn.GaussianNoise(stddev=0.3)
