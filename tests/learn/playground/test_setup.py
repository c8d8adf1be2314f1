import json

import pytest

from wolfsbane.errors import ArgumentError
from wolfsbane.learn.playground.setup import LAYERS, Setup, read_setup, setup_of


def test_nothing_given_is_the_setup_that_the_page_begins_with():
    assert setup_of({}) == Setup()


def test_what_is_read_survives_json_and_is_read_again_as_the_same():
    given = {"order": ["dropout", "linear", "norm", "activation"], "p": 0.5, "data": "moons"}
    read = read_setup(given)
    assert json.loads(json.dumps(read)) == read
    assert setup_of(read) == Setup(order=tuple(given["order"]), p=0.5, data="moons")


@pytest.mark.parametrize(
    "order", [["linear"], [*LAYERS, "linear"], "linear", None, ["linear", "norm", "norm", {}]]
)
def test_an_order_that_is_no_permutation_is_refused(order):
    with pytest.raises(ArgumentError, match="each once"):
        setup_of({"order": order})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"p": 30}, "Dropout probability p has to be between 0 and 0.9, but got 30"),
        ({"width": 3.5}, "whole number"),
        ({"norm": "group"}, "has to be one of none, batch, layer"),
        ({"mistake": "none"}, "Break it has to be one of"),
        ({"rate": 0.3}, "unknown setting 'rate'. There are: order, p"),
        ({"batch_size": 64, "num_examples": 40}, "at most the number of training examples, 40"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_a_sentence(given, said):
    with pytest.raises(ArgumentError) as caught:
        read_setup(given)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("absent", "layers"),
    [
        ({"p": 0.0}, ("linear", "norm", "activation")),
        ({"norm": "none"}, ("linear", "activation", "dropout")),
        ({"activation": "none"}, ("linear", "norm", "dropout")),
        ({"p": 0.0, "norm": "none", "activation": "none"}, ("linear",)),
    ],
)
def test_a_layer_that_is_set_to_nothing_is_not_there(absent, layers):
    assert Setup(**absent).layers == layers
