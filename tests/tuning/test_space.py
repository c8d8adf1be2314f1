"""Spaces: configurations, what may be chosen of them, how Optuna and the surrogate see them."""

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.tuning.dimensions import Choice, Rate
from wolfsbane.tuning.grid import LARGEST_GRID
from wolfsbane.tuning.space import Configuration, make_space

DIMENSIONS = st.one_of(
    st.sampled_from([Rate(), Rate(0.1, 0.5), Rate(0, 0.5, 0.2), Rate(0.05, 1)]),
    st.sampled_from([Choice(False, True), Choice("relu", "gelu", None), Choice(64, 128, 0.5)]),
)
SPACES = (
    st.dictionaries(st.sampled_from("abcde"), DIMENSIONS, min_size=1)
    .filter(lambda found: any(isinstance(one, Rate) for one in found.values()))
    .map(make_space)
)


def configuration(**values):
    return Configuration(tuple(values.items()))


@given(SPACES)
def test_candidates_are_distinct_with_the_baseline_first_and_the_extreme(space):
    found = space.candidates()
    assert found[0] == space.baseline
    assert space.extreme in found
    assert len(set(found)) == len(found) <= LARGEST_GRID + 2


@given(SPACES)
def test_all_candidates_but_the_baseline_are_allowed(space):
    starts_at_0 = all(rate.low == 0 for _, rate in space.dimensions if isinstance(rate, Rate))
    assert space.allows(space.baseline) == starts_at_0
    assert all(space.allows(candidate) for candidate in space.candidates()[1:])


def test_a_small_space_is_listed_whole():
    space = make_space({"p": Rate(0, 0.2, 0.1), "norm": Choice(False, True)})
    assert set(space.candidates()) == {
        configuration(p=p, norm=norm) for p in (0.0, 0.1, 0.2) for norm in (False, True)
    }


def test_the_baseline_drops_nothing_and_takes_the_first_options():
    space = make_space({"a": Rate(0.2, 0.5), "norm": Choice(True, False), "b": Rate()})
    assert space.baseline == configuration(a=0.0, norm=True, b=0.0)
    assert space.extreme == configuration(a=0.5, norm=True, b=0.9)


def test_the_extreme_lies_on_the_grid():
    space = make_space({"p": Rate(0, 0.9, 0.4)})
    assert space.extreme == configuration(p=0.8)


@pytest.mark.parametrize(
    "values",
    [
        {"p": 0.55, "norm": True},
        {"p": 0.3, "norm": 2},
        {"p": 0.3},
        {"p": 0.3, "norm": True, "q": 1},
    ],
)
def test_what_lies_outside_the_space_is_not_allowed(values):
    space = make_space({"p": Rate(0, 0.5), "norm": Choice(False, True)})
    assert space.allows(configuration(p=0.3, norm=True))
    assert not space.allows(configuration(**values))


@given(SPACES)
def test_optuna_stores_every_candidate(space):
    study = optuna.create_study()
    candidate = space.candidates()[-1]
    for one in (space.baseline, space.extreme, candidate):
        study.add_trial(
            optuna.create_trial(params=one.as_dict(), distributions=space.distributions, value=0.0)
        )
    assert [trial.params for trial in study.trials] == [
        one.as_dict() for one in (space.baseline, space.extreme, candidate)
    ]


@given(SPACES)
def test_different_candidates_have_different_points(space):
    found = space.candidates()
    points = space.encode(found)
    assert points.dtype == np.float64
    assert len(np.unique(points, axis=0)) == len(found)


def test_a_rate_is_one_column_and_an_option_one_of_several():
    space = make_space({"p": Rate(), "act": Choice("relu", "gelu", None)})
    rows = [configuration(p=0.3, act="gelu"), configuration(p=0.0, act=None)]
    assert space.encode(rows).tolist() == [[0.3, 0, 1, 0], [0, 0, 0, 1]]


def test_a_configuration_reads_as_people_write_it():
    assert str(configuration(p=0.30, norm=True, act=None)) == "p=0.3, norm=True, act=None"


@pytest.mark.parametrize(
    ("dimensions", "said"),
    [
        (None, "space is a dictionary such as .* but got None"),
        (Rate(), "space is a dictionary such as .* but got Rate"),
        (
            {"p": 0.5},
            r"space: 'p' has to be a Rate or a Choice, such as Rate\(0, 0.9\), .* got 0.5",
        ),
        ({0: Rate()}, "space: a name has to be a text, but got 0"),
        ({"": Rate()}, "space: a name has to be a text, but got ''"),
        ({}, "space has no Rate"),
        ({"norm": Choice(False, True)}, "space has no Rate: .* Add one, such as"),
        ({"p": Rate(), "seed": Choice(1, 2)}, "'seed' is no dimension"),
    ],
)
def test_what_is_no_space_is_refused(dimensions, said):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=said):
        make_space(dimensions)
