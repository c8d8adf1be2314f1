"""Dropout + residual as a layer."""

import copy
import pickle

import pytest
import torch

from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError


def seeded(function, *args):
    torch.manual_seed(5)
    return function(*args)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_layer_is_dropout_and_a_sum_with_the_same_mask(p, training):
    x, residual = torch.randn(2, 4, 7).unbind()
    dropout = nn.Dropout(p).train(training)
    expected = residual + seeded(dropout, x)
    torch.testing.assert_close(seeded(nn.DropoutAdd(p).train(training), x, residual), expected)


def test_each_call_drops_other_elements():
    layer, x = nn.DropoutAdd(), torch.ones(1000)
    assert not torch.equal(layer(x, x), layer(x, x))


def test_own_generator_leaves_torch_s_alone():
    state = torch.get_rng_state()
    x, generator = torch.ones(100), torch.Generator().manual_seed(1)
    first = nn.DropoutAdd(generator=generator)(x, x)
    second = nn.DropoutAdd(generator=torch.Generator().manual_seed(1))(x, x)
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))],
    ids=["deepcopy", "pickle"],
)
def test_copy_is_the_same_layer(copied):
    layer, x = nn.DropoutAdd(0.3), torch.randn(4, 7)
    assert torch.equal(seeded(copied(layer), x, x), seeded(layer, x, x))
    assert layer.state_dict() == {}
    assert repr(copied(layer)) == "DropoutAdd(p=0.3)"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"p": 50}, ArgumentError, r"p=0\.5"),
        ({"p": None}, ArgumentTypeError, "Pass one number"),
        ({"generator": 1}, ArgumentTypeError, "manual_seed"),
        ({"dropout": 0.5}, ArgumentTypeError, r"DropoutAdd\(\) got .* did you mean p=0\.5"),
    ],
    ids=str,
)
def test_wrong_argument_is_refused_when_the_layer_is_made(options, error, words):
    with pytest.raises(error, match=words):
        nn.DropoutAdd(**options)
