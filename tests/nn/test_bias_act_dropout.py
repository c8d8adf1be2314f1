"""Bias + activation + dropout as a layer."""

import copy
import pickle

import pytest
import torch

from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ShapeError


def seeded(function, *args):
    torch.manual_seed(5)
    return function(*args)


@pytest.mark.parametrize("activation", ["relu", "gelu", torch.nn.LeakyReLU(0.3)], ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_mlp_is_that_of_linear_activation_and_dropout(activation, training):
    theirs = torch.nn.Sequential(
        torch.nn.Linear(5, 7),
        {"relu": torch.nn.ReLU(), "gelu": torch.nn.GELU()}.get(activation, activation),
        nn.Dropout(0.3),
    ).train(training)
    ours = torch.nn.Sequential(
        torch.nn.Linear(5, 7, bias=False), nn.BiasActDropout(7, activation, 0.3)
    ).train(training)
    with torch.no_grad():
        ours[0].weight.copy_(theirs[0].weight)
        ours[1].bias.copy_(theirs[0].bias)
    x, upstream = torch.randn(4, 9, 5), torch.randn(4, 9, 7)
    for model in (ours, theirs):
        seeded(model, x).backward(upstream)
    torch.testing.assert_close(seeded(ours, x), seeded(theirs, x))
    torch.testing.assert_close(ours[0].weight.grad, theirs[0].weight.grad)
    torch.testing.assert_close(ours[1].bias.grad, theirs[0].bias.grad)


def test_bias_starts_at_zero_and_is_the_state():
    layer = nn.BiasActDropout(7, dtype=torch.float64)
    assert list(layer.state_dict()) == ["bias"]
    assert torch.equal(layer.bias, torch.zeros(7, dtype=torch.float64))
    layer.load_state_dict({"bias": torch.arange(7.0)})
    layer.reset_parameters()
    assert layer.bias.count_nonzero() == 0


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))],
    ids=["deepcopy", "pickle"],
)
def test_copy_is_the_same_layer_and_independent(copied):
    layer = nn.BiasActDropout(7, torch.nn.ELU(0.5), 0.3)
    twin, x = copied(layer), torch.randn(4, 7)
    assert torch.equal(seeded(twin, x), seeded(layer, x))
    assert repr(twin) == repr(layer)
    with torch.no_grad():
        twin.bias.fill_(1.0)
    assert layer.bias.count_nonzero() == 0


def test_repr_says_what_was_given():
    assert repr(nn.BiasActDropout(7, "gelu", 0.25)) == (
        "BiasActDropout(7, activation=gelu, p=0.25)"
    )


def test_wrong_rate_set_later_is_an_error_at_the_next_call():
    layer = nn.BiasActDropout(3)
    layer.p = 30
    with pytest.raises(ArgumentError, match=r"p=0.3"):
        layer(torch.randn(2, 3))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"num_features": 0}, ArgumentError, "num_features has to be a positive integer"),
        ({"p": 50}, ArgumentError, r"p=0\.5"),
        ({"activation": "swish"}, ArgumentError, "did you mean 'silu'"),
        ({"activation": torch.nn.GELU}, ArgumentTypeError, "Make an object of the class"),
        ({"generator": 1}, ArgumentTypeError, "manual_seed"),
        ({"rate": 0.5}, ArgumentTypeError, r"BiasActDropout\(\) got .* did you mean p=0\.5"),
    ],
    ids=str,
)
def test_wrong_argument_is_refused_when_the_layer_is_made(options, error, words):
    with pytest.raises(error, match=words):
        nn.BiasActDropout(**{"num_features": 3, **options})


def test_input_of_another_width_is_refused():
    with pytest.raises(ShapeError, match=r"should contain 4 elements.*but its shape is \(3,\)"):
        nn.BiasActDropout(3)(torch.randn(2, 4))


def test_autocast_trains():
    model = torch.nn.Sequential(torch.nn.Linear(5, 7, bias=False), nn.BiasActDropout(7, "gelu"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = model(torch.randn(4, 5))
    y.float().square().sum().backward()
    assert y.dtype is torch.bfloat16
    assert model[1].bias.grad.dtype is torch.float32
