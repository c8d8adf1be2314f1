"""Intervals cover what they claim, and verdicts say no more than intervals do."""

import math

import numpy as np
import pytest
from scipy import stats

from wolfsbane.experiment.intervals import (
    Estimate,
    Verdict,
    count_for,
    deviation,
    estimate,
    judge,
    margin_of,
    total_for,
)


@pytest.mark.parametrize("num_seeds", [2, 5, 20])
def test_intervals_cover_the_truth_as_often_as_they_claim(num_seeds):
    """False alarm: below 1e-6 each (binomial, n = 4000, two-sided, seed fixed)."""
    draw = np.random.default_rng(num_seeds)
    trials = 4000
    covered = 0
    for _ in range(trials):
        found = estimate(draw.normal(3.0, 2.0, num_seeds).tolist())
        covered += found.low <= 3.0 <= found.high
    low, high = stats.binom.ppf([5e-7, 1 - 5e-7], trials, 0.95)
    assert low <= covered <= high


def test_the_interval_is_students():
    values = [0.1, 0.4, 0.2, 0.7, 0.3]
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    found = estimate(values)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_one_seed_has_no_interval():
    found = estimate([0.5])
    assert (found.mean, found.low, found.high) == (0.5, -math.inf, math.inf)


def test_equal_counts_on_few_seeds_do_not_make_an_interval_of_width_zero():
    found = estimate([1.0, 1.0], resolution=1.0)
    assert found.low < 0 < found.high
    assert estimate([1.0] * 5, resolution=1.0).low > 0


@pytest.mark.parametrize(
    ("low", "high", "higher_is_better", "verdict"),
    [
        (0.1, 0.3, True, Verdict.GAIN),
        (0.1, 0.3, False, Verdict.HARM),
        (-0.3, -0.1, True, Verdict.HARM),
        (-0.3, -0.1, False, Verdict.GAIN),
        (-0.1, 0.3, True, Verdict.NOTHING),
        (0.0, 0.0, True, Verdict.NOTHING),
        (0.0, 0.3, True, Verdict.NOTHING),
        (-math.inf, math.inf, True, Verdict.NOTHING),
    ],
)
def test_a_verdict_needs_an_interval_without_zero(low, high, higher_is_better, verdict):
    mean = 0.0 if math.isinf(low) else (low + high) / 2
    assert judge(Estimate(mean, low, high, 5), higher_is_better) is verdict


@pytest.mark.parametrize("first", [3, 6])
def test_intervals_of_two_stages_cover_the_truth_as_often_as_they_claim(first):
    """The second stage narrows them to what is wanted, however much the values deviate.

    False alarm: below 1e-6 each (binomial, n = 4000, two-sided, seed fixed).
    """
    draw = np.random.default_rng(first)
    trials, wanted = 4000, 1.0
    covered = 0
    for _ in range(trials):
        values = draw.normal(3.0, 2.0, first).tolist()
        total = min(total_for(deviation(values), wanted, first), 500)
        values += draw.normal(3.0, 2.0, total - first).tolist()
        found = estimate(values, first=first)
        covered += found.low <= 3.0 <= found.high
        assert total == 500 or found.high - found.mean <= wanted * (1 + 1e-12)
    low, high = stats.binom.ppf([5e-7, 1 - 5e-7], trials, 0.95)
    assert low <= covered <= high


def test_the_second_stage_moves_the_mean_and_not_the_deviation():
    values = [0.1, 0.4, 0.2, 5.0, 9.0]
    first = stats.t.interval(0.95, 2, 0.0, np.std(values[:3], ddof=1) / math.sqrt(5))
    found = estimate(values, first=3)
    assert (found.low, found.high) == pytest.approx(
        (np.mean(values) + first[0], np.mean(values) + first[1])
    )
    assert estimate(values, first=9) == estimate(values)
    assert estimate(values, first=1).high == math.inf


def test_the_number_of_values_is_the_least_that_is_narrow_enough():
    for margin in (0.05, 0.3, 1.0, 4.0):
        count = count_for(2.0, margin)
        assert margin_of(2.0, count, count) <= margin
        assert count == 2 or margin_of(2.0, count - 1, count - 1) > margin


def test_what_no_number_of_values_can_show_takes_infinitely_many():
    assert count_for(1.0, 0.0) == math.inf
    assert count_for(math.inf, 1.0) == math.inf
    assert total_for(1.0, 0.0, 4) == math.inf
    assert total_for(math.inf, 1.0, 1) == math.inf
    assert (count_for(0.0, 0.0), total_for(0.0, 0.0, 4)) == (2, 4)
