"""Spaces as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.tuning.dimensions import Choice, Rate
from wolfsbane.tuning.parse_space import DEFAULT_SPACE, parse_space
from wolfsbane.tuning.space import make_space

BOUNDS = st.integers(0, 100).map(lambda number: number / 100)
RATES = st.builds(
    lambda bounds, step: Rate(*sorted(bounds), step=step),
    st.lists(BOUNDS, min_size=2, max_size=2, unique=True),
    st.sampled_from([0.001, 0.0025, 0.01]),
)
CHOICES = st.lists(
    st.sampled_from(["relu", "gelu", "none", 64, 128, 0.5, 1e-5]), min_size=2, unique=True
).map(lambda options: Choice(*options))
NAMES = st.sampled_from(["dropout", "encoder.*", "head", "norm", "*.p"])


@given(st.dictionaries(NAMES, RATES, min_size=1), st.dictionaries(NAMES, CHOICES))
def test_what_a_space_is_written_as_is_read_as_that_space(rates, choices):
    space = make_space({**choices, **rates})
    assert parse_space(str(space)) == space


@pytest.mark.parametrize(
    ("text", "dimensions"),
    [
        (DEFAULT_SPACE, {"dropout": Rate()}),
        ("dropout=0..0.5:0.1", {"dropout": Rate(0, 0.5, 0.1)}),
        (" dropout = .1 .. .5 : .2 , ", {"dropout": Rate(0.1, 0.5, 0.2)}),
        ("p=0..1,batchnorm=false|true", {"p": Rate(0, 1), "batchnorm": Choice(False, True)}),
        (
            "p=0..0.9,activation=relu|gelu|none,hidden=128|256",
            {"p": Rate(), "activation": Choice("relu", "gelu", "none"), "hidden": Choice(128, 256)},
        ),
        ("encoder.*=0..0.5,head=0..0.9", {"encoder.*": Rate(0, 0.5), "head": Rate()}),
    ],
)
def test_rates_and_options_are_read(text, dimensions):
    assert parse_space(text) == make_space(dimensions)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"nothing to be found in space ''. Write, say, dropout=0..0.9"),
        (" , ", "nothing to be found"),
        ("dropout", r"space 'dropout': expected name=low..high .* or name=a\|b"),
        ("dropout=0.3", r"space 'dropout=0.3': expected name=low..high"),
        ("=0..0.5", "expected name=low..high"),
        ("dropout=0..0.5|0.9", "expected name=low..high for a rate or name"),
        ("p=0..0.5,activation=relu|", r"'activation=relu\|': expected"),
        ("p=0..0.5,p=0..0.9", "'p' is given twice"),
        ("dropout=0..90", "space 'dropout=0..90': dropout .* As a percentage that is p=0.9"),
        ("dropout=0..", "space 'dropout=0..': dropout probability .* but got ''"),
        ("dropout=0..much", "but got 'much'"),
        ("dropout=0.5..0.1", "low has to be below high"),
        ("dropout=0..0.5:1", "step has to be between 0.001 and high - low = 0.5, but got 1"),
        ("dropout=0..0.5:", "step has to be a number, but got ''"),
        ("p=0..0.5,hidden=128|128", "option 128 is there twice"),
        ("p=0..0.5,hidden=[1]|[2]", "given one by one"),
        ("activation=relu|gelu", "space has no Rate"),
        ("dropout=0..0.5,seed=1|2", "'seed' is no dimension"),
    ],
)
def test_text_that_means_nothing_is_refused(text, said):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=said):
        parse_space(text)
