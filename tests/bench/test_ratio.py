"""Medians and quartiles of ratios."""

import random
import statistics

import pytest

from wolfsbane.bench.ratio import Ratio, median_and_quartiles, ratio_of


def test_a_drift_that_meets_both_sides_does_not_show():
    drift = [1.0, 1.3, 2.0, 5.0, 1.1]
    assert ratio_of([12.0 * d for d in drift], [3.0 * d for d in drift]) == Ratio(4.0, 4.0, 4.0)


def test_one_disturbed_round_moves_nothing():
    assert ratio_of([2.0] * 9 + [500.0], [1.0] * 10) == Ratio(2.0, 2.0, 2.0)


def test_quartiles_hold_half_of_the_rounds():
    numbers = random.Random(0)
    values = [numbers.lognormvariate(0, 1) for _ in range(1001)]
    found = median_and_quartiles(values)
    assert found.median == statistics.median(values)
    assert sum(found.low <= value <= found.high for value in values) == 501


def test_one_sample_is_its_own_quartiles():
    assert median_and_quartiles([0.25]) == Ratio(0.25, 0.25, 0.25)


def test_rounds_are_paired():
    with pytest.raises(ValueError, match="shorter"):
        ratio_of([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("low", "high", "wide"), [(1.9, 2.1, False), (1.2, 2.3, True)])
def test_a_spread_wider_than_half_of_the_median_is_wide(low, high, wide):
    assert Ratio(2.0, low, high).is_wide is wide
