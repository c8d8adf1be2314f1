"""Intervals cover what they claim, and verdicts say no more than intervals do."""

import math

import numpy as np
import pytest
from scipy import stats

from wolfsbane.experiment.intervals import Estimate, Verdict, estimate, judge


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
