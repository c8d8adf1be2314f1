"""Batch norm + activation + dropout as a layer: the three layers that it replaces."""

import copy
import io
import pickle

import pytest
import torch
from torch.optim.swa_utils import update_bn
from torch.utils.checkpoint import checkpoint

from wolfsbane import nn
from wolfsbane.errors import (
    ArgumentError,
    ArgumentTypeError,
    DtypeError,
    ShapeError,
    WolfsbaneError,
)

SHAPES = {
    "BatchNormAct1d": (9, 3),
    "BatchNormAct2d": (5, 3, 7, 4),
    "BatchNormAct3d": (3, 3, 2, 5, 2),
}

ACTIVATIONS = {
    "identity": torch.nn.Identity(),
    "relu": torch.nn.ReLU(),
    "leaky_relu": torch.nn.LeakyReLU(),
    "sigmoid": torch.nn.Sigmoid(),
    "tanh": torch.nn.Tanh(),
    "gelu": torch.nn.GELU(),
    "gelu_tanh": torch.nn.GELU(approximate="tanh"),
    "silu": torch.nn.SiLU(),
    "elu": torch.nn.ELU(),
    "hardswish": torch.nn.Hardswish(),
    "mish": torch.nn.Mish(),
}

OPTIONS = pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False},
        {"affine": False},
        {"track_running_stats": False},
        {"affine": False, "track_running_stats": False},
        {"momentum": None},
        {"momentum": 0.0},
        {"momentum": 1.0, "eps": 0.1},
    ],
    ids=str,
)

layers = pytest.mark.parametrize("name", SHAPES)


def pair_of(name, activation="gelu", p=0.3, **options):
    """Return our layer, and the sequence of three with the same tensors."""
    ours = getattr(nn, name)(3, activation, p, **options)
    norm = getattr(nn, name.replace("Act", ""))(3, **options)
    for parameter in ours.parameters():
        torch.nn.init.uniform_(parameter, 0.5, 1.5)
    norm.load_state_dict(ours.state_dict())
    return ours, torch.nn.Sequential(norm, ACTIVATIONS[activation], nn.Dropout(p))


def seeded(function, *args):
    torch.manual_seed(5)
    return function(*args)


def assert_same_state(ours, norm):
    assert list(ours.state_dict()) == list(norm.state_dict())
    for one, other in zip(ours.state_dict().values(), norm.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other)


@layers
@OPTIONS
@pytest.mark.parametrize("p", [0.0, 0.3])
def test_layer_is_the_three_layers_with_the_same_masks(name, options, p):
    ours, theirs = pair_of(name, p=p, **options)
    torch.manual_seed(3)
    upstream = torch.randn(SHAPES[name])
    for step, training in enumerate((True, True, False, True)):
        x = torch.randn(SHAPES[name]) * 3 + 1
        gradients = []
        for model in (ours.train(training), theirs.train(training)):
            leaf = x.clone().requires_grad_()
            torch.manual_seed(step)
            y = model(leaf)
            y.backward(upstream)
            gradients.append([y.detach(), y == 0, leaf.grad, torch.rand(())])
        for one, other in zip(*gradients, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
        assert_same_state(ours, theirs[0])
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_torch_s_module_and_name(activation):
    ours, theirs = pair_of("BatchNormAct2d", activation)
    twin = nn.BatchNormAct2d(3, ACTIVATIONS[activation], 0.3)
    twin.load_state_dict(ours.state_dict())
    x = torch.randn(SHAPES["BatchNormAct2d"])
    expected = seeded(theirs, x)
    torch.testing.assert_close(seeded(ours, x), expected)
    torch.testing.assert_close(seeded(twin, x), expected)


def test_sequence_of_blocks_draws_its_masks_as_a_sequence_of_layers():
    pairs = [pair_of("BatchNormAct2d", "relu", p) for p in (0.1, 0.0, 0.5)]
    ours, theirs = (torch.nn.Sequential(*models) for models in zip(*pairs, strict=True))
    x = torch.randn(SHAPES["BatchNormAct2d"])
    torch.testing.assert_close(seeded(ours, x), seeded(theirs, x), rtol=1e-4, atol=1e-5)


@layers
def test_state_goes_to_a_plain_batch_norm_and_back(name):
    ours = getattr(nn, name)(3)
    ours(torch.randn(SHAPES[name]))
    plain = getattr(torch.nn, name.replace("Act", ""))(3)
    plain.load_state_dict(ours.state_dict())
    twin = getattr(nn, name)(3)
    twin.load_state_dict(plain.state_dict())
    assert_same_state(twin, ours)
    assert ours.state_dict()._metadata == plain.state_dict()._metadata
    x = torch.randn(SHAPES[name])
    torch.testing.assert_close(twin.eval()(x), plain.eval()(x).relu())


@layers
@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))],
    ids=["deepcopy", "pickle"],
)
def test_copy_is_the_same_layer_and_independent(name, copied):
    layer = getattr(nn, name)(3, torch.nn.LeakyReLU(0.3), 0.4, momentum=0.3)
    layer(torch.randn(SHAPES[name]))
    twin, x = copied(layer), torch.randn(SHAPES[name])
    assert repr(twin) == repr(layer)
    assert torch.equal(seeded(twin, x), seeded(layer, x))
    twin.running_mean.zero_()
    assert layer.running_mean.count_nonzero()


def test_saved_layer_is_loaded_as_it_was():
    layer, buffer = nn.BatchNormAct1d(3, "silu", 0.4), io.BytesIO()
    layer(torch.randn(9, 3))
    torch.save(layer, buffer)
    buffer.seek(0)
    twin, x = torch.load(buffer, weights_only=False), torch.randn(9, 3)
    assert torch.equal(seeded(twin, x), seeded(layer, x))


@layers
def test_evaluation_is_pure(name):
    layer = getattr(nn, name)(3, "gelu", 0.9)
    layer(torch.randn(SHAPES[name]))
    x = torch.randn(SHAPES[name])
    before, state = copy.deepcopy(layer.state_dict()), torch.get_rng_state()
    y = layer.eval()(x)
    torch.testing.assert_close(y[:1], layer(x[:1]))
    assert y.count_nonzero() == y.numel()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[key], value) for key, value in layer.state_dict().items())


def test_evaluation_without_running_statistics_uses_the_batch_s_and_drops_nothing():
    layer = nn.BatchNormAct1d(3, "gelu", 0.9, track_running_stats=False).eval()
    x, state = torch.randn(9, 3) * 3 + 1, torch.get_rng_state()
    expected = torch.nn.functional.batch_norm(x, None, None, training=True)
    torch.testing.assert_close(layer(x), torch.nn.functional.gelu(expected))
    assert torch.equal(torch.get_rng_state(), state)


def test_no_momentum_averages_the_batches():
    layer = nn.BatchNormAct1d(3, p=0.5, momentum=None)
    data = [torch.randn(9, 3) for _ in range(4)]
    for x in data:
        layer(x)
    torch.testing.assert_close(layer.running_mean, torch.stack([x.mean(0) for x in data]).mean(0))
    assert layer.num_batches_tracked == 4


def test_update_bn_recalibrates_it_as_a_batch_norm():
    data = [torch.randn(8, 3) for _ in range(4)]
    model = torch.nn.Sequential(nn.BatchNormAct1d(3, p=0.5))
    update_bn(data, model)
    assert torch.allclose(model[0].running_mean, torch.cat(data).mean(0), atol=1e-6)
    assert model[0].momentum == 0.1


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpoint_draws_the_same_mask_again(use_reentrant):
    layer, x = nn.BatchNormAct1d(3, "gelu", 0.5), torch.randn(9, 3, requires_grad=True)
    (expected,) = torch.autograd.grad(seeded(layer, x).square().sum(), x)
    torch.manual_seed(5)
    checkpoint(layer, x, use_reentrant=use_reentrant).square().sum().backward()
    assert torch.equal(x.grad, expected)


def test_conversion_to_sync_batch_norm_would_lose_the_activation_and_is_refused():
    model = torch.nn.Sequential(nn.BatchNorm2d(3), nn.BatchNormAct2d(3))
    with pytest.raises(ArgumentError, match=r"^1 is a BatchNormAct2d, whose own behaviour would"):
        nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert type(model[0]) is nn.BatchNorm2d
    assert type(model[1]) is nn.BatchNormAct2d


def test_repr_names_activation_and_rate():
    assert repr(nn.BatchNormAct2d(3, torch.nn.LeakyReLU(0.2), p=0.1)) == (
        f"BatchNormAct2d({nn.BatchNorm2d(3).extra_repr()}, activation=leaky_relu(0.2), p=0.1)"
    )
    assert "activation=gelu_tanh, p=0.0" in repr(nn.BatchNormAct1d(3, "gelu_tanh"))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"num_features": 0}, ArgumentError, "num_features has to be a positive integer"),
        ({"p": 50}, ArgumentError, r"p=0\.5"),
        ({"eps": 0.0}, ArgumentError, "eps must be positive"),
        ({"momentum": 99}, ArgumentError, "momentum has to be between 0 and 1"),
        ({"activation": "swish"}, ArgumentError, "did you mean 'silu'"),
        ({"activation": torch.nn.PReLU()}, ArgumentError, "no fused kernel"),
        ({"activation": torch.nn.GELU}, ArgumentTypeError, "Make an object of the class"),
        ({"generator": 1}, ArgumentTypeError, "manual_seed"),
        ({"drop_rate": 0.5}, ArgumentTypeError, r"BatchNormAct1d\(\) got .* did you mean p=0\.5"),
    ],
    ids=str,
)
def test_wrong_argument_is_refused_when_the_layer_is_made(options, error, words):
    with pytest.raises(error, match=words):
        nn.BatchNormAct1d(**{"num_features": 3, **options})


@pytest.mark.parametrize(
    ("change", "x", "error"),
    [
        ({}, torch.randn(9, 4), ShapeError),
        ({}, torch.randn(9), ShapeError),
        ({}, torch.randn(1, 3), ShapeError),
        ({}, torch.randn(9, 3).double(), DtypeError),
        ({}, torch.ones(9, 3, dtype=torch.int64), DtypeError),
        ({"p": 30}, torch.randn(9, 3), ArgumentError),
        ({"eps": -1.0}, torch.randn(9, 3), ArgumentError),
        ({"activation": "swish"}, torch.randn(9, 3), ArgumentError),
        ({"generator": 3}, torch.randn(9, 3), ArgumentTypeError),
    ],
    ids=lambda case: str(tuple(case.shape)) if isinstance(case, torch.Tensor) else None,
)
def test_error_leaves_statistics_count_and_generator_alone(change, x, error):
    layer = nn.BatchNormAct1d(3, p=0.5)
    for name, value in change.items():
        setattr(layer, name, value)
    before, state = copy.deepcopy(layer.state_dict()), torch.get_rng_state()
    with pytest.raises(error) as raised:
        layer(x)
    assert isinstance(raised.value, WolfsbaneError)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[key], value) for key, value in layer.state_dict().items())


@pytest.mark.parametrize("training", [True, False])
def test_empty_batch_changes_nothing_but_the_count_and_has_gradients(training):
    layer = nn.BatchNormAct2d(3, p=0.5).train(training)
    y = layer(torch.empty(0, 3, 4, 4))
    y.sum().backward()
    assert y.shape == (0, 3, 4, 4)
    assert torch.equal(layer.running_mean, torch.zeros(3))
    assert all(torch.equal(vector.grad, torch.zeros(3)) for vector in layer.parameters())


@OPTIONS
@pytest.mark.parametrize("training", [True, False])
def test_autocast_to_bfloat16_trains(options, training):
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 5, 3), nn.BatchNormAct2d(5, "gelu", 0.3, **options)
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = model.train(training)(torch.randn(4, 3, 8, 8))
    y.float().square().sum().backward()
    assert y.dtype is torch.bfloat16
    assert all(parameter.grad.dtype is torch.float32 for parameter in model.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("training", [True, False])
def test_layer_may_be_in_half_precision_itself(dtype, training):
    layer = nn.BatchNormAct1d(3, "gelu", 0.3).to(dtype).train(training)
    x = torch.randn(9, 3).to(dtype).requires_grad_()
    y = layer(x)
    y.sum().backward()
    assert y.dtype is x.grad.dtype is dtype
    assert all(parameter.grad.dtype is dtype for parameter in layer.parameters())


def test_inference_mode_runs_and_tracks():
    layer = nn.BatchNormAct1d(3, p=0.5)
    with torch.inference_mode():
        layer(torch.randn(9, 3) + 1)
        nn.BatchNormAct1d(3)(torch.randn(9, 3))  # whose buffers are made here
    assert layer.running_mean.count_nonzero() == 3


def test_vmap_over_stacked_layers_equals_a_loop():
    stacked = [nn.BatchNormAct1d(3, "gelu") for _ in range(4)]
    parameters, buffers = torch.func.stack_module_state(stacked)
    x = torch.randn(4, 7, 3)

    def call(parameters, buffers, x):
        return torch.func.functional_call(stacked[0], (parameters, buffers), (x,))

    y = torch.func.vmap(call)(parameters, buffers, x)
    expected = torch.stack([layer(batch) for layer, batch in zip(stacked, x, strict=True)])
    assert torch.allclose(y, expected, atol=1e-6)
    means = torch.stack([layer.running_mean for layer in stacked])
    assert torch.allclose(buffers["running_mean"], means)
