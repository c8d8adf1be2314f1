"""What a mistaken caller reads: torch's words first, then help."""

import inspect
import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cases import dropouts
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.arguments import check_probability, explain_unknown_arguments
from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.mask import keep_mask, scale, threshold

TORCH_S_WORDS = "dropout probability has to be between 0 and 1, but got "

OUT_OF_RANGE = {
    30: "30. As a percentage that is p=0.3",
    100: "100. As a percentage that is p=1",
    1.5: "1.5. p=0 keeps every element, p=1 drops every element",
    -0.1: "-0.1. p=0 keeps every element, p=1 drops every element",
    101: "101. p=0 keeps every element, p=1 drops every element",
    math.inf: "inf. p=0 keeps every element, p=1 drops every element",
    math.nan: "nan. Look at where p was computed; p=0 switches dropout off",
}

WRONG_TYPE = [
    ("0.5", "'0.5' (of type str). Pass the number: p=0.5"),
    ("nan", "'nan' (of type str). Pass a number, such as p=0.5"),
    ("half", "'half' (of type str). Pass a number, such as p=0.5"),
    (b"0.5", "b'0.5' (of type bytes). Pass one number, such as p=0.5"),
    (True, "True (of type bool). A rate is a number, such as p=0.5; to switch dropout on or off"),
    (None, "None (of type NoneType). Pass one number, such as p=0.5"),
    ([0.5], "[0.5] (of type list). Pass one number, such as p=0.5"),
    (1j, "1j (of type complex). Pass one number, such as p=0.5"),
]

PUBLIC_CALLS = {
    "Dropout": nn.Dropout,
    "Dropout1d": nn.Dropout1d,
    "Dropout2d": nn.Dropout2d,
    "Dropout3d": nn.Dropout3d,
    "AlphaDropout": nn.AlphaDropout,
    "FeatureAlphaDropout": nn.FeatureAlphaDropout,
    "DropPath": nn.DropPath,
    "dropout": lambda p: F.dropout(torch.ones(3), p),
    "dropout1d": lambda p: F.dropout1d(torch.ones(2, 3), p),
    "dropout2d": lambda p: F.dropout2d(torch.ones(2, 3, 1, 1), p),
    "dropout3d": lambda p: F.dropout3d(torch.ones(2, 3, 1, 1), p),
    "alpha_dropout": lambda p: F.alpha_dropout(torch.ones(3), p, training=True),
    "feature_alpha_dropout": lambda p: F.feature_alpha_dropout(torch.ones(2, 3), p, training=True),
    "drop_path": lambda p: F.drop_path(torch.ones(3), p),
    "dropout-eval": lambda p: F.dropout(torch.ones(3), p, training=False),
    "keep_mask": lambda p: keep_mask(3, p, key=1),
    "threshold": threshold,
    "scale": scale,
}

public_calls = pytest.mark.parametrize("call", PUBLIC_CALLS.values(), ids=PUBLIC_CALLS.keys())


@public_calls
@pytest.mark.parametrize("p", OUT_OF_RANGE)
def test_probability_out_of_range_is_refused_before_anything_is_drawn(call, p):
    state = torch.get_rng_state()
    with pytest.raises(ArgumentError) as raised:
        call(p)
    assert str(raised.value) == TORCH_S_WORDS + OUT_OF_RANGE[p]
    assert torch.equal(torch.get_rng_state(), state)


@public_calls
@pytest.mark.parametrize(("p", "message"), WRONG_TYPE)
def test_probability_of_the_wrong_type_is_refused_before_anything_is_drawn(call, p, message):
    state = torch.get_rng_state()
    with pytest.raises(ArgumentTypeError) as raised:
        call(p)
    assert str(raised.value).startswith(TORCH_S_WORDS + message)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("p", [30, -0.1])
def test_torch_says_the_same_first(p):
    for layers in (torch.nn, nn):
        with pytest.raises(ValueError, match=f"^{TORCH_S_WORDS}{p}"):
            layers.Dropout(p)


@given(p=st.floats(0, 1))
def test_every_probability_is_taken(p):
    assert check_probability(p) == p
    assert nn.Dropout(p).p == p


@given(p=st.floats().filter(lambda p: not 0 <= p <= 1))
def test_every_other_float_is_refused(p):
    with pytest.raises(ArgumentError):
        check_probability(p)


@pytest.mark.parametrize(
    "p", [0, 1, Fraction(1, 2), torch.tensor(0.5), torch.tensor([0.25]).numpy()[0]], ids=repr
)
def test_number_of_another_type_is_taken(p):
    assert check_probability(p) == float(p)
    assert type(check_probability(p)) is float


@pytest.mark.parametrize(
    "p", [torch.tensor([0.5, 0.5]), torch.ones(2).numpy(), torch.tensor(0.5, device="meta")]
)
def test_many_numbers_or_none_are_no_probability(p):
    with pytest.raises(ArgumentTypeError, match="Pass one number"):
        check_probability(p)


@dropouts
@pytest.mark.parametrize("name", ["rate", "drop_prob", "dropout_p", "prob"])
def test_rate_of_another_library_is_translated(case, name):
    with pytest.raises(ArgumentTypeError) as raised:
        getattr(nn, case.layer)(**{name: 0.3})
    assert str(raised.value) == (
        f"{case.layer}() got an unexpected keyword argument {name!r}: did you mean p=0.3?"
    )


@dropouts
def test_function_translates_too(case):
    state = torch.get_rng_state()
    with pytest.raises(ArgumentTypeError) as raised:
        getattr(F, case.function)(torch.ones(case.shape), rate=0.3)
    assert str(raised.value) == (
        f"{case.function}() got an unexpected keyword argument 'rate': did you mean p=0.3?"
    )
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.Dropout(seed=1), "did you mean generator=torch.Generator().manual_seed(1)?"),
        (lambda: nn.Dropout(in_place=True), "did you mean inplace?"),
        (lambda: nn.Dropout2d(colour=1), "It takes: p, inplace, generator"),
        (lambda: F.dropout(torch.ones(3), train=True), "did you mean training?"),
        (lambda: F.batch_norm(torch.ones(3, 2), epsilon=1.0), "did you mean eps?"),
        (lambda: nn.BatchNorm1d(channels=3), "did you mean num_features?"),
    ],
)
def test_unknown_name_is_answered_with_the_nearest(call, message):
    with pytest.raises(TypeError, match="got an unexpected keyword argument") as raised:
        call()
    assert str(raised.value).endswith(message)


def test_error_of_an_unknown_name_shows_no_inner_traceback():
    with pytest.raises(ArgumentTypeError) as raised:
        nn.Dropout(rate=0.3)
    assert raised.value.__suppress_context__


def test_other_type_errors_pass_through_unchanged():
    @explain_unknown_arguments
    def function(a, b=1):
        return a + b

    assert function(1, b=2) == 3
    for call in (function, lambda: function(1, 2, 3), lambda: function("a", b=1)):
        with pytest.raises(TypeError) as raised:
            call()
        assert type(raised.value) is TypeError


def test_explained_function_keeps_its_name_and_signature():
    assert F.dropout.__name__ == "dropout"
    assert list(inspect.signature(nn.Dropout2d).parameters) == ["p", "inplace", "generator"]


@pytest.mark.parametrize(("name", "largest"), [("key", 2**64 - 1), ("start", 2**64 - 3)])
def test_index_or_key_outside_64_bits_is_refused(name, largest):
    for value in (-1, largest + 1):
        with pytest.raises(ArgumentError, match=f"^{name} has to be between 0 and {largest}, but"):
            keep_mask(3, 0.5, **{"key": 1, name: value})
    keep_mask(3, 0.5, **{"key": 1, name: largest})


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
@pytest.mark.parametrize("name", ["key", "start"])
def test_index_or_key_that_is_no_integer_is_refused(name, value):
    with pytest.raises(ArgumentTypeError, match=f"^{name} has to be an integer, but got"):
        keep_mask(3, 0.5, **{"key": 1, name: value})
