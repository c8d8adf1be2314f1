"""Points of a grid, all or some."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from wolfsbane.tuning.grid import LARGEST_GRID, points


@given(st.lists(st.integers(2, 24), min_size=1, max_size=5))
def test_points_are_different_and_lie_on_the_grid(sizes):
    values = [range(size) for size in sizes]
    found = points(values)
    whole = 1
    for size in sizes:
        whole *= size
    assert len(set(found)) == len(found) == min(whole, LARGEST_GRID)
    assert all(value in of for point in found for value, of in zip(point, values, strict=True))


def test_a_grid_of_the_largest_size_is_listed_whole():
    assert set(points([range(2)] * 9)) == set(itertools.product(range(2), repeat=9))


@given(st.lists(st.integers(6, 19), min_size=4, max_size=6))
def test_every_value_of_a_large_grid_comes_up_about_equally_often(sizes):
    found = points([range(size) for size in sizes])
    for place, size in enumerate(sizes):
        counts = Counter(point[place] for point in found)
        # Random points would miss this: 27 of a value have a deviation of 5.
        share = LARGEST_GRID / size
        assert all(0.9 < counts[value] / share < 1.1 for value in range(size))


def test_the_same_points_are_drawn_every_time():
    values = [range(19)] * 3
    assert points(values) == points(values)
