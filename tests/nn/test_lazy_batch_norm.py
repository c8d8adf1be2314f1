"""Lazy batch norms take their number of features from the first batch, then are ordinary."""

import pickle

import pytest
import torch

from wolfsbane import nn
from wolfsbane.errors import WolfsbaneError

LAZY = pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("BatchNorm1d", (7, 5)),
        ("BatchNorm1d", (7, 5, 3)),
        ("BatchNorm2d", (7, 5, 3, 2)),
        ("BatchNorm3d", (7, 5, 3, 2, 2)),
    ],
)


def lazy(name, **options):
    return getattr(nn, "Lazy" + name)(**options)


@LAZY
def test_first_batch_makes_it_the_ordinary_layer(name, shape):
    bn, ordinary = lazy(name, momentum=0.3), getattr(nn, name)(5, momentum=0.3)
    x = torch.randn(shape)
    assert torch.equal(bn(x), ordinary(x))
    assert type(bn) is type(ordinary)
    assert bn.num_features == 5
    assert list(bn.state_dict()) == list(ordinary.state_dict())
    for name_, value in ordinary.state_dict().items():
        assert torch.equal(bn.state_dict()[name_], value)


@LAZY
@pytest.mark.parametrize("options", [{"affine": False}, {"track_running_stats": False}], ids=str)
def test_options_are_those_of_the_ordinary_layer(name, shape, options):
    bn, ordinary = lazy(name, **options), getattr(nn, name)(5, **options)
    x = torch.randn(shape)
    assert torch.equal(bn(x), ordinary(x))
    assert list(bn.state_dict()) == list(ordinary.state_dict())


@LAZY
def test_without_bias_there_is_none(name, shape):
    bn = lazy(name, bias=False)
    bn(torch.randn(shape))
    assert bn.bias is None
    assert "bias" not in bn.state_dict()


@LAZY
def test_state_of_an_ordinary_layer_can_be_loaded(name, shape):
    ordinary = getattr(nn, name)(5)
    ordinary(torch.randn(shape))
    bn = lazy(name)
    bn.load_state_dict(ordinary.state_dict())
    x = torch.randn(shape)
    assert torch.equal(bn.eval()(x), ordinary.eval()(x))


@LAZY
def test_layer_pickled_before_the_first_batch_is_lazy_too(name, shape):
    twin = pickle.loads(pickle.dumps(lazy(name)))
    assert twin.has_uninitialized_params()
    assert twin(torch.randn(shape)).shape == shape
    assert type(twin) is getattr(nn, name)


@LAZY
def test_first_batch_in_training_is_counted_once(name, shape):
    bn = lazy(name)
    bn(torch.randn(shape))
    assert bn.num_batches_tracked == 1


@pytest.mark.parametrize(
    "x",
    [
        torch.ones(1, 7),
        torch.ones(4, 7, dtype=torch.int64),
        torch.ones(4, 7, dtype=torch.float64),
        torch.ones(4, 0),
        torch.ones(7),
    ],
    ids=["one-value", "integer", "float64", "no-channels", "one-dimension"],
)
def test_a_first_batch_that_cannot_be_leaves_the_layer_lazy(x):
    layer = nn.LazyBatchNorm1d()
    with pytest.raises(WolfsbaneError):
        layer(x)
    assert type(layer) is nn.LazyBatchNorm1d
    assert layer(torch.randn(4, 3)).shape == (4, 3)
