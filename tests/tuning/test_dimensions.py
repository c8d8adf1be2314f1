"""Rates and choices: what they hold, and what they refuse."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.tuning.dimensions import Choice, Rate

BOUNDS = st.integers(0, 1000).map(lambda number: number / 1000)


@st.composite
def rates(draw):
    low, high = sorted(draw(st.lists(BOUNDS, min_size=2, max_size=2, unique=True)))
    most = round((high - low) * 1000)
    return Rate(low, high, draw(st.integers(1, most)) / 1000)


@given(rates())
def test_rates_go_up_in_steps_from_low_to_what_high_allows(rate):
    values = np.array(rate.values)
    assert values[0] == rate.low
    assert np.allclose(np.diff(values), rate.step, atol=1e-9)
    assert rate.high - rate.step < values[-1] + 1e-9
    assert values[-1] <= rate.high + 1e-9
    assert all(rate.allows(value) for value in rate.values)


def test_the_default_is_zero_to_nine_tenths_in_nineteen_steps():
    assert Rate().values == tuple(round(0.05 * index, 2) for index in range(19))


def test_whole_numbers_become_rates():
    assert Rate(0, 1).values[-1] == 1.0
    assert all(type(value) is float for value in (Rate(0, 1).low, Rate(0, 1).high))
    assert Rate(0, 1) == Rate(0.0, 1.0)


@pytest.mark.parametrize("value", [0.09, 0.51, -1, True, "0.3", None])
def test_a_rate_outside_its_bounds_is_not_allowed(value):
    assert not Rate(0.1, 0.5).allows(value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, 90), r"dropout probability .* got 90. As a percentage that is p=0.9"),
        ((-0.1, 0.5), "dropout probability has to be between 0 and 1, but got -0.1"),
        (("0.1", 0.5), r"got '0.1' \(of type str\). Pass the number: p=0.1"),
        ((0, True), r"got True \(of type bool\)"),
        ((0.5, 0.5), "low has to be below high, but got 0.5 and 0.5"),
        ((0.9, 0.1), "low has to be below high, but got 0.9 and 0.1"),
        ((0, 0.5, 0.6), "step has to be between 0.001 and high - low = 0.5, but got 0.6"),
        ((0, 0.5, 0), "step has to be between .* but got 0"),
        ((0, 0.5, float("nan")), "step has to be between .* but got nan"),
        ((0, 0.5, "0.1"), r"step has to be a number, but got '0.1' \(of type str\)"),
        ((0, 0.5, True), "step has to be a number, but got True"),
    ],
)
def test_a_rate_that_cannot_be_is_explained(arguments, said):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=said):
        Rate(*arguments)


def test_one_step_may_span_the_whole_range_though_floats_round():
    assert Rate(0.2, 0.3, 0.1).values == (0.2, 0.3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), r"expected two options or more, .* got 0: \(\)"),
        (("relu",), r"expected two options or more, .* got 1: \('relu',\)"),
        (("relu", "gelu", "relu"), "option 'relu' is there twice"),
        ((1, True), "option 1 is there twice .* 1, 1.0 and True are equal"),
        ((["relu", "gelu"],), r"given one by one, .* got \['relu', 'gelu'\]"),
        (({}, {"a": 1}), r"a number, a truth value, a text or None, .* got {} \(of type dict\)"),
        ((torch.nn.ReLU, torch.nn.GELU), r"got <class .*ReLU'> \(of type type\). Give names"),
        ((torch.relu, torch.sigmoid), "Give names, and let the factory look up"),
        ((np.int64(3), 4), r"\(of type int64\)"),
        ((1.0, float("inf")), "finite number, but got inf"),
    ],
)
def test_a_choice_that_cannot_be_is_explained(options, said):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=said):
        Choice(*options)


def test_none_and_truth_values_are_options():
    assert Choice(None, "batch").allows(None)
    assert Choice(False, True).values == (False, True)
    assert not Choice("a", "b").allows("c")


def test_naming_rates_and_choices_loads_neither_optuna_nor_scipy_nor_torch():
    code = (
        "import sys; from wolfsbane.tuning.space import make_space\n"
        "from wolfsbane.tuning.dimensions import Choice, Rate\n"
        "make_space({'p': Rate(), 'a': Choice(1, 2)}).candidates()\n"
        "print(*sorted({'optuna', 'scipy', 'torch'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not ran.stdout.strip()
