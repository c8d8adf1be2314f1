"""The variance of a batch norm's inputs, with and without the dropout before it."""

import math

import pytest
import torch

from wolfsbane.audit.run.measures.variance import Variance


def dropped(values, p):
    kept = torch.rand(values.shape, generator=torch.Generator().manual_seed(1)) >= p
    return values * kept / (1 - p)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_the_ratio_behind_relu_is_that_of_the_formula(p):
    """Of ReLU(N(0, 1)): E[x] = 1/sqrt(2 pi), E[x²] = 1/2. At p=0.5 the ratio is 2.47.

    Of a million values the second moment's standard error is 0.3% at p=0.8; the bound is five.
    """
    values = torch.randn(1000, 1000, generator=torch.Generator().manual_seed(0)).relu()
    variance = Variance()
    variance.add(dropped(values, p), p)
    square_of_mean = 1 / (2 * math.pi)
    expected = (0.5 / (1 - p) - square_of_mean) / (0.5 - square_of_mean)
    assert variance.ratio_without_drop == pytest.approx(expected, rel=0.015)


def test_the_variance_without_the_dropout_is_that_of_what_was_dropped():
    values = torch.randn(500, 3, 40, generator=torch.Generator().manual_seed(2)) + 1
    with_drop, without = Variance(), Variance()
    with_drop.add(dropped(values, 0.3), 0.3)
    without.add(values)
    assert with_drop.without_drop == pytest.approx(without.total, rel=0.05)
    assert with_drop.ratio_to(without) == pytest.approx(with_drop.ratio_without_drop, rel=0.05)


def test_channels_are_in_dimension_1():
    values = torch.tensor([0.0, 10.0]).expand(6, 2)
    variance = Variance()
    variance.add(values)
    assert variance.total == 0.0


def test_a_constant_input_has_no_infinite_ratio():
    variance = Variance()
    variance.add(torch.zeros(4, 2), 0.5)
    assert variance.ratio_without_drop == 0.0
