"""The axis of the objective."""

import pytest

from wolfsbane.report.tuning.axis import axis_limits


@pytest.mark.parametrize("higher_is_better", [False, True])
def test_a_far_outlier_does_not_squash_the_axis(higher_is_better):
    sign = -1 if higher_is_better else 1
    values = [sign * value for value in (0.40, 0.41, 0.42, 0.45, 0.5, 30.0)]
    low, high = axis_limits(values, [sign * 0.5], higher_is_better=higher_is_better)
    assert high - low < 0.4
    assert all(low < value < high for value in values[:5])


def test_without_an_outlier_all_is_within_the_axis():
    values = [0.4, 0.45, 0.5, 0.52]
    low, high = axis_limits(values, [0.5], higher_is_better=False)
    assert low < min(values)
    assert max(values) < high


def test_equal_values_have_an_axis():
    low, high = axis_limits([0.4, 0.4], [], higher_is_better=False)
    assert low < 0.4 < high
