"""Batch renorm against algorithm 1 of the paper, written out."""

import copy

import pytest
import torch

from cases import dtypes
from significance import assert_as_accurate_as_torch
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError

SHAPES = pytest.mark.parametrize(
    "shape", [(7, 3), (7, 3, 5), (4, 3, 5, 2), (3, 3, 2, 4, 2)], ids=str
)
LIMITS = pytest.mark.parametrize("limits", [(1.5, 0.5), (3.0, 5.0), (1e9, 1e9), (1.0, 0.0)])

LAYERS = pytest.mark.parametrize("dims", [1, 2, 3])


def algorithm_1(x, mu, sigma, gamma, beta, limits, eps=1e-5):
    """Return the paper's training output, and mu_B and sigma_B, for (N, C, *)."""
    r_max, d_max = limits
    dims = [dim for dim in range(x.dim()) if dim != 1]
    shape = [-1, *[1] * (x.dim() - 2)]
    mean = x.mean(dims)
    deviation = (eps + (x - mean.view(shape)).square().mean(dims)).sqrt()
    r = (deviation / sigma).detach().clip(1 / r_max, r_max)
    d = ((mean - mu) / sigma).detach().clip(-d_max, d_max)
    hat = (x - mean.view(shape)) / deviation.view(shape) * r.view(shape) + d.view(shape)
    return gamma.view(shape) * hat + beta.view(shape), mean, deviation


def layer_for(shape, limits=(3.0, 5.0), dtype=torch.float64, **options):
    """Return a layer that is at its limits from the start, with statistics of its own."""
    dims = max(1, len(shape) - 2)
    options = {"r_steps": None, "d_steps": None, "r_max": limits[0], "d_max": limits[1]} | options
    layer = getattr(nn, f"BatchRenorm{dims}d")(shape[1], dtype=dtype, **options)
    for tensor in (*layer.parameters(), layer.running_var):
        torch.nn.init.uniform_(tensor, 0.5, 1.5)
    torch.nn.init.normal_(layer.running_mean)
    return layer


@SHAPES
@LIMITS
def test_training_and_its_gradients_are_algorithm_1_s(shape, limits):
    layer = layer_for(shape, limits)
    x = (torch.randn(shape, dtype=torch.float64) * 2 + 1).requires_grad_()
    upstream = torch.randn_like(x)
    sigma = (layer.running_var + layer.eps).sqrt()
    mean = layer.running_mean.clone()
    expected, _, _ = algorithm_1(x, mean, sigma, layer.weight, layer.bias, limits)
    y = layer(x)
    torch.testing.assert_close(y, expected)
    inputs = [x, *layer.parameters()]
    found = torch.autograd.grad(y, inputs, upstream)
    torch.testing.assert_close(found, torch.autograd.grad(expected, inputs, upstream))


@SHAPES
def test_running_statistics_are_a_batch_norm_s(shape):
    layer = layer_for(shape)
    dims = max(1, len(shape) - 2)
    theirs = getattr(torch.nn, f"BatchNorm{dims}d")(shape[1], dtype=torch.float64)
    theirs.load_state_dict(layer.state_dict())
    for training in (True, True, False):
        x = torch.randn(shape, dtype=torch.float64) + 1
        y, expected = layer.train(training)(x), theirs.train(training)(x)
        for name, value in theirs.state_dict().items():
            torch.testing.assert_close(layer.state_dict()[name], value)
    torch.testing.assert_close(y, expected)  # of evaluation


@SHAPES
def test_without_limits_training_gives_what_evaluation_gives(shape):
    layer = layer_for(shape, (1e9, 1e9))
    x = torch.randn(shape, dtype=torch.float64)
    expected = copy.deepcopy(layer).eval()(x)
    torch.testing.assert_close(layer(x), expected)


@LAYERS
def test_new_layer_trains_as_a_plain_batch_norm(dims):
    shape = (6, 3, *[4] * dims)[: dims + 2]
    ours = getattr(nn, f"BatchRenorm{dims}d")(3, dtype=torch.float64)
    theirs = getattr(torch.nn, f"BatchNorm{dims}d")(3, dtype=torch.float64)
    for _ in range(3):
        x = torch.randn(shape, dtype=torch.float64)
        torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize(
    ("batches", "r_max", "d_max"),
    [
        (0, 1.0, 0.0),
        (5_000, 1.0, 0.0),
        (15_000, 1 + 2 * 10 / 35, 2.5),
        (25_000, 1 + 2 * 20 / 35, 5.0),
        (40_000, 3.0, 5.0),
        (1_000_000, 3.0, 5.0),
    ],
)
def test_limits_are_relaxed_as_in_the_paper(batches, r_max, d_max):
    layer = nn.BatchRenorm2d(3)
    layer.num_batches_tracked.fill_(batches)
    assert [float(limit) for limit in layer.limits()] == pytest.approx([r_max, d_max])


def test_limits_in_force_are_those_of_the_count_of_batches():
    layer = layer_for((7, 3), r_steps=(0, 10), d_steps=(0, 10))
    layer.num_batches_tracked.fill_(5)
    sigma, mean = (layer.running_var + layer.eps).sqrt(), layer.running_mean.clone()
    x = torch.randn(7, 3, dtype=torch.float64) * 9 + 9
    expected, _, _ = algorithm_1(x, mean, sigma, layer.weight, layer.bias, (2.0, 2.5))
    torch.testing.assert_close(layer(x), expected)


def test_count_of_batches_in_the_state_dict_resumes_the_schedule():
    layer, other = nn.BatchRenorm1d(3), nn.BatchRenorm1d(3)
    layer.num_batches_tracked.fill_(20_000)
    other.load_state_dict(layer.state_dict())
    assert other.limits() == layer.limits() != nn.BatchRenorm1d(3).limits()


def test_schedule_of_one_s_own_sets_the_attributes():
    layer = nn.BatchRenorm1d(3, r_steps=None, d_steps=None)
    layer.r_max, layer.d_max = 1.25, 0.5
    assert layer.limits() == (1.25, 0.5)


@SHAPES
def test_gradients_are_those_of_finite_differences_where_r_and_d_are_clipped(shape):
    """There they are constants; elsewhere differences would see what the paper hides from them."""
    layer = layer_for(shape, momentum=0.0)
    layer.running_mean.fill_(1e3)
    layer.running_var.fill_(1e-3)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)
    assert torch.autograd.gradgradcheck(layer, x, fast_mode=True)


@dtypes
def test_each_dtype_is_as_accurate_as_algorithm_1_in_float32_rounded_once(dtype):
    layer = layer_for((50, 3, 6), (1.5, 0.5), dtype=dtype)
    x = (torch.randn(50, 3, 6, dtype=torch.float64) * 2 + 1).to(dtype)
    tensors = (layer.running_mean, layer.running_var, layer.weight, layer.bias)

    def algorithm(dtype):
        mean, var, gamma, beta = (tensor.detach().to(dtype) for tensor in tensors)
        deviation = (var + layer.eps).sqrt()
        return algorithm_1(x.to(dtype), mean, deviation, gamma, beta, (1.5, 0.5))[0]

    wide = torch.promote_types(dtype, torch.float32)
    theirs, truth = algorithm(wide).to(dtype), algorithm(torch.float64)
    y = layer(x)
    assert_as_accurate_as_torch(y.detach(), theirs, truth)
    if dtype in {torch.float16, torch.bfloat16}:  # rounding twice leaves half different
        assert (y == truth.to(dtype)).float().mean() > 0.99


@LAYERS
def test_state_dict_is_a_batch_norm_s(dims):
    ours = getattr(nn, f"BatchRenorm{dims}d")(3)
    theirs = getattr(torch.nn, f"BatchNorm{dims}d")(3)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.state_dict()._metadata == theirs.state_dict()._metadata
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())


def test_layout_is_kept():
    x = torch.randn(4, 3, 4, 5).to(memory_format=torch.channels_last)
    y = layer_for(x.shape, dtype=torch.float32)(x)
    assert y.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("shape", "dtype", "error"),
    [
        ((1, 3), torch.float32, ShapeError),
        ((8, 4), torch.float32, ShapeError),
        ((8, 3, 2, 2), torch.float32, ShapeError),
        ((8, 3), torch.float64, DtypeError),
        ((8, 3), torch.int64, DtypeError),
    ],
)
def test_input_that_does_not_fit_changes_nothing(shape, dtype, error):
    layer = layer_for((8, 3), dtype=torch.float32)
    before = copy.deepcopy(layer.state_dict())
    with pytest.raises(error):
        layer(torch.ones(shape, dtype=dtype))
    for name, value in before.items():
        assert torch.equal(layer.state_dict()[name], value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"r_max": 0.5}, "^r_max has to be at least 1, but got 0.5"),
        ({"r_max": float("nan")}, "^r_max has to be at least 1"),
        ({"d_max": -1.0}, "^d_max has to be at least 0, but got -1.0"),
        ({"r_steps": (5, 5)}, r"^r_steps has to be \(start, end\)"),
        ({"d_steps": (-1, 5)}, r"^d_steps has to be \(start, end\)"),
        ({"track_running_stats": False}, "corrects towards its running statistics"),
    ],
)
def test_option_out_of_range_is_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        nn.BatchRenorm1d(3, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"r_max": "3"}, r"^r_max has to be a number, but got '3' \(of type str\)"),
        ({"d_max": None}, "^d_max has to be a number, but got None"),
        ({"r_max": True}, "^r_max has to be a number, but got True"),
        ({"r_steps": 5}, r"^r_steps has to be \(start, end\)"),
        ({"r_steps": (1,)}, r"^r_steps has to be \(start, end\)"),
        ({"d_steps": "ab"}, r"^d_steps has to be \(start, end\)"),
        ({"d_steps": (0.5, 3)}, r"^d_steps has to be \(start, end\)"),
    ],
)
def test_option_of_another_type_is_refused(options, message):
    with pytest.raises(ArgumentTypeError, match=message):
        nn.BatchRenorm1d(3, **options)


def test_function_needs_running_statistics():
    with pytest.raises(ArgumentError, match="corrects towards running_mean"):
        F.batch_renorm(torch.randn(4, 3), None, None, training=True)


def test_momentum_of_none_averages_the_batches():
    layer = nn.BatchRenorm1d(3, momentum=None, dtype=torch.float64)
    batches = torch.randn(3, 5, 3, dtype=torch.float64)
    for batch in batches:
        layer(batch)
    torch.testing.assert_close(layer.running_mean, batches.mean((0, 1)))
    torch.testing.assert_close(layer.running_var, batches.var(1).mean(0))


def test_empty_batch_passes():
    assert nn.BatchRenorm1d(3)(torch.empty(0, 3)).shape == (0, 3)


def test_conversion_to_sync_batch_norm_is_refused():
    with pytest.raises(ArgumentError, match="own behaviour would be lost"):
        nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchRenorm2d(3))


def test_repr_names_limits_and_schedule():
    expected = ", r_max=3.0, d_max=5.0, r_steps=(5000, 40000), d_steps=(5000, 25000))"
    assert repr(nn.BatchRenorm3d(3)).endswith(expected)
