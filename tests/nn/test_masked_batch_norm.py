"""Masked batch norm is a batch norm of the valid positions, eager and traced."""

import copy

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cases import dtypes
from significance import assert_as_accurate_as_torch
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentTypeError, DtypeError, ShapeError

SHAPES = pytest.mark.parametrize("shape", [(11, 3), (7, 3, 5)], ids=str)
OPTIONS = pytest.mark.parametrize(
    "options",
    [{}, {"momentum": None}, {"affine": False}, {"bias": False}, {"track_running_stats": False}],
    ids=str,
)


class Traced(TorchDispatchMode):
    """Looks at what is done, as compilers do."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


class Eager:
    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


HOW = pytest.mark.parametrize("how", [Eager, Traced])


def mask_for(shape, share=0.6):
    mask = torch.rand(shape[:1] + shape[2:]) < share
    mask.view(-1)[:2] = torch.tensor([True, True])
    mask.view(-1)[-1] = False
    return mask


def layer_for(shape, dtype=torch.float64, **options):
    layer = nn.MaskedBatchNorm1d(shape[1], dtype=dtype, **options)
    for parameter in layer.parameters():
        torch.nn.init.uniform_(parameter, 0.5, 1.5)
    return layer


def torch_s(layer):
    """Return torch's batch norm with the same tensors."""
    theirs = torch.nn.BatchNorm1d(
        layer.num_features,
        momentum=layer.momentum,
        affine=layer.affine,
        track_running_stats=layer.track_running_stats,
        dtype=torch.float64,
    )
    theirs.load_state_dict(layer.state_dict(), strict=False)
    return theirs


def selected(x, mask):
    return x.movedim(1, -1)[mask]


def keras_formula(x, mask, layer):
    """Return Keras' training output: weighted moments, applied at every position."""
    weights = mask.unsqueeze(1).to(x.dtype)
    dims = [dim for dim in range(x.dim()) if dim != 1]
    total = weights.sum(dims, keepdim=True)
    mean = (x * weights).sum(dims, keepdim=True) / total
    variance = ((x - mean).square() * weights).sum(dims, keepdim=True) / total
    shape = [1, -1, *[1] * (x.dim() - 2)]
    gamma, beta = layer.weight.view(shape), layer.bias.view(shape)
    return (x - mean) / (variance + layer.eps).sqrt() * gamma + beta


@SHAPES
@OPTIONS
@HOW
def test_training_and_evaluation_are_torch_s_on_the_valid_positions(shape, options, how):
    ours = layer_for(shape, **options)
    theirs = torch_s(ours)
    for training in (True, True, False, True):
        x = (torch.randn(shape, dtype=torch.float64) * 3 + 1).requires_grad_()
        mask = mask_for(shape)
        expected = theirs.train(training)(selected(x, mask))
        with how():
            y = ours.train(training)(x, mask=mask)
        torch.testing.assert_close(selected(y, mask), expected)
        assert torch.all(selected(y, ~mask) == 0)
        upstream = torch.randn_like(x)
        (grad,) = torch.autograd.grad(y, x, upstream)
        (wanted,) = torch.autograd.grad(expected, x, selected(upstream, mask))
        torch.testing.assert_close(grad, wanted)
        for name, value in ours.state_dict().items():
            torch.testing.assert_close(value, theirs.state_dict()[name])


@SHAPES
@HOW
def test_valid_positions_are_those_of_keras(shape, how):
    layer, mask = layer_for(shape), mask_for(shape)
    x = torch.randn(shape, dtype=torch.float64) * 2 + 1
    with how():
        y = layer(x, mask)
    expected = keras_formula(x, mask, layer)
    torch.testing.assert_close(y, torch.where(mask.unsqueeze(1), expected, 0.0))


@SHAPES
@HOW
def test_gradients_are_those_of_finite_differences(shape, how):
    layer, mask = layer_for(shape, momentum=0.0), mask_for(shape)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)

    def function(x, weight, bias):
        with how():
            return F.masked_batch_norm(x, None, None, weight, bias, training=True, mask=mask)

    assert torch.autograd.gradcheck(function, (x, layer.weight, layer.bias))
    assert torch.autograd.gradgradcheck(function, (x, layer.weight, layer.bias), fast_mode=True)


@SHAPES
@HOW
@pytest.mark.parametrize("training", [True, False])
def test_padding_of_nan_has_no_effect(shape, how, training):
    layer, mask = layer_for(shape).train(training), mask_for(shape)
    x = torch.randn(shape, dtype=torch.float64)

    def step(padding):
        bn, input = copy.deepcopy(layer), torch.where(mask.unsqueeze(1), x, padding)
        with how():
            y = bn(input.requires_grad_(), mask)
        y.square().sum().backward()
        return [y, input.grad, *(p.grad for p in bn.parameters()), *bn.buffers()]

    for found, expected in zip(step(float("nan")), step(7.0), strict=True):
        assert torch.equal(found, expected)


@SHAPES
def test_without_a_mask_it_is_a_batch_norm(shape):
    ours = layer_for(shape)
    theirs = torch_s(ours)
    for training in (True, False):
        x = torch.randn(shape, dtype=torch.float64)
        torch.testing.assert_close(ours.train(training)(x), theirs.train(training)(x))
    full = torch.ones(shape[:1] + shape[2:], dtype=torch.bool)
    torch.testing.assert_close(ours.train()(x, full), theirs.train()(x))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())


@dtypes
@HOW
def test_each_dtype_is_as_accurate_as_torch_s_on_the_valid_positions(dtype, how):
    shape = (40, 3, 9)
    layer, mask = layer_for(shape, dtype), mask_for(shape)
    x = (torch.randn(shape, dtype=torch.float64) * 3 + 1).to(dtype)
    theirs = torch_s(layer)
    truth = theirs(selected(x, mask).double())
    expected = copy.deepcopy(theirs).to(dtype)(selected(x, mask))
    with how():
        y = layer(x, mask)
    assert_as_accurate_as_torch(selected(y, mask), expected, truth)


@pytest.mark.parametrize(("valid", "words"), [(0, "no position"), (1, "one position")])
def test_mask_of_too_few_positions_is_refused_in_training_and_changes_nothing(valid, words):
    layer = nn.MaskedBatchNorm1d(3)
    mask = torch.arange(20).view(4, 5) < valid
    with pytest.raises(ShapeError, match=rf"^Expected more than 1 value .* calls {words} valid"):
        layer(torch.randn(4, 3, 5), mask)
    for name, value in nn.MaskedBatchNorm1d(3).state_dict().items():
        assert torch.equal(layer.state_dict()[name], value)


@pytest.mark.parametrize("valid", [0, 1])
def test_traced_mask_of_too_few_positions_leaves_the_running_statistics(valid):
    layer = nn.MaskedBatchNorm1d(3)
    mask = torch.arange(20).view(4, 5) < valid
    with Traced():
        y = layer(torch.randn(4, 3, 5), mask)
    assert torch.all(y == 0)
    assert torch.equal(layer.running_mean, torch.zeros(3))
    assert torch.equal(layer.running_var, torch.ones(3))


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 4), (4, 3, 0)], ids=str)
@HOW
def test_empty_batch_passes_as_through_a_batch_norm(shape, how):
    layer, plain = nn.MaskedBatchNorm1d(3), nn.BatchNorm1d(3)
    mask = torch.ones(shape[:1] + shape[2:], dtype=torch.bool)
    with how():
        assert layer(torch.empty(shape), mask=mask).shape == shape
    plain(torch.empty(shape))
    for name, value in plain.state_dict().items():
        assert torch.equal(layer.state_dict()[name], value)


def test_evaluation_takes_an_empty_mask():
    layer = nn.MaskedBatchNorm1d(3).eval()
    assert torch.all(layer(torch.randn(4, 3, 5), torch.zeros(4, 5, dtype=torch.bool)) == 0)


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        ([True], ArgumentTypeError, "^mask has to be a tensor of bools.*but got list"),
        (torch.ones(4, 5), DtypeError, r"^mask has to be of torch.bool.*mask.bool\(\)"),
        (torch.ones(4, 1).bool(), ShapeError, r"^mask should be of shape \(4, 5\)"),
        (torch.ones(4, 3, 5).bool(), ShapeError, r"^mask should be of shape \(4, 5\)"),
        (torch.ones(4).bool(), ShapeError, r"^mask should be of shape \(4, 5\)"),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_mask_that_does_not_fit_changes_nothing(mask, error, message, training):
    layer = nn.MaskedBatchNorm1d(3).train(training)
    with pytest.raises(error, match=message):
        layer(torch.randn(4, 3, 5), mask)
    assert layer.num_batches_tracked == 0
    assert torch.equal(layer.running_mean, torch.zeros(3))


def test_input_that_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"^expected 2D or 3D input \(got 4D input\)"):
        nn.MaskedBatchNorm1d(3)(torch.randn(4, 3, 5, 5), torch.ones(4, 5, 5).bool())
    with pytest.raises(ShapeError, match=r"^running_mean should contain 4 elements not 3"):
        nn.MaskedBatchNorm1d(3)(torch.randn(4, 4, 5), torch.ones(4, 5).bool())


def test_conversion_to_sync_batch_norm_is_refused():
    with pytest.raises(ValueError, match=r"own behaviour would be lost"):
        nn.SyncBatchNorm.convert_sync_batchnorm(nn.MaskedBatchNorm1d(3))
