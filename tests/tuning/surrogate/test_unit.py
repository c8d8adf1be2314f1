"""The surrogate's unit: back and forth, cut off at what is far worse, whatever the values are."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as npst

from wolfsbane.tuning.surrogate.unit import LARGEST_RATIO, unit_of

NLL = np.array([0.5, 0.55, 1.7, 1.6])
NEGATED_ACCURACY = np.array([-0.9, -0.91, -0.7, -0.74])


@pytest.mark.parametrize("values", [NLL, NEGATED_ACCURACY, 1e30 * NLL, 1e-30 * NLL])
def test_values_come_back(values):
    unit = unit_of(values)
    standard = unit.standardise(values)
    # 4 operations back and 4 forth, of which a difference loses up to a digit.
    np.testing.assert_allclose(unit.restore(standard), values, rtol=1e-13)
    assert abs(standard.mean()) < 1e-12
    assert standard.std() == pytest.approx(1.0)


def test_positive_objectives_are_compared_by_ratio_where_they_are_large():
    unit = unit_of(NLL)
    low, high, higher = unit.standardise(np.array([0.1, 1.0, 1.9]))
    assert high - low > 1.5 * (higher - high)


def test_an_objective_that_may_be_negative_is_taken_as_it_is():
    unit = unit_of(NEGATED_ACCURACY)
    low, middle, high = unit.standardise(np.array([-0.9, -0.8, -0.7]))
    assert middle - low == pytest.approx(high - middle)


def test_estimates_of_what_is_never_negative_are_not_negative():
    assert unit_of(NLL).restore(np.array([-1e3]))[0] == 0.0


def test_what_is_far_worse_is_cut_off_and_does_not_hide_the_rest():
    values = np.array([0.5, 0.6, 1e30, math.inf])
    unit = unit_of(values)
    standard = unit.standardise(values)
    assert standard[2] == standard[3]
    assert standard[1] - standard[0] > 0.03
    assert unit.restore(standard)[3] == pytest.approx(LARGEST_RATIO * 0.6)


def test_a_unit_does_not_depend_on_the_objectives_scale():
    np.testing.assert_allclose(
        unit_of(1e6 * NLL).standardise(1e6 * NLL), unit_of(NLL).standardise(NLL), rtol=1e-12
    )


@pytest.mark.parametrize("values", [NLL, NEGATED_ACCURACY])
def test_the_slope_is_that_of_the_way_back(values):
    unit = unit_of(values)
    standard, step = unit.standardise(values), 1e-5
    numeric = (unit.restore(standard + step) - unit.restore(standard - step)) / (2 * step)
    # Central differences err by the third derivative times step^2 / 6, and by rounding / step.
    np.testing.assert_allclose(unit.slope(standard), numeric, rtol=1e-8)


@given(npst.arrays(np.float64, st.integers(0, 6), elements=st.floats(width=64)))
def test_any_values_have_a_unit_in_which_they_are_finite(values):
    unit = unit_of(values)
    standard = unit.standardise(values)
    assert np.isfinite(standard).all()
    assert np.isfinite(unit.restore(standard)).all()
    order = np.argsort(values[np.isfinite(values)])
    assert (np.diff(standard[np.isfinite(values)][order]) >= 0.0).all()
