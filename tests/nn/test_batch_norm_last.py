"""Batch norm over the last dimension is torch's, with the features moved there and back."""

import copy

import pytest
import torch

from cases import dtypes
from significance import assert_as_accurate_as_torch
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, DtypeError, ShapeError

SHAPES = pytest.mark.parametrize(
    "shape", [(7, 3), (7, 5, 3), (4, 5, 2, 3), (2, 2, 4, 2, 3), (1, 2, 3)], ids=str
)
OPTIONS = pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": None},
        {"affine": False},
        {"bias": False},
        {"affine": False, "track_running_stats": False},
    ],
    ids=str,
)


def pair_of(shape, dtype=torch.float64, **options):
    ours = nn.BatchNormLast(shape[-1], dtype=dtype, **options)
    for parameter in ours.parameters():
        torch.nn.init.uniform_(parameter, 0.5, 1.5)
    dims = max(1, len(shape) - 2)
    options.pop("bias", None)
    theirs = getattr(torch.nn, f"BatchNorm{dims}d")(shape[-1], dtype=dtype, **options)
    theirs.load_state_dict(ours.state_dict(), strict=False)
    return ours, theirs


def moved(layer, x):
    return layer(x.movedim(-1, 1)).movedim(1, -1)


@SHAPES
@OPTIONS
@pytest.mark.parametrize("second_in_memory", [False, True])
def test_training_and_evaluation_are_torch_s_on_moved_features(shape, options, second_in_memory):
    ours, theirs = pair_of(shape, **options)
    for training in (True, True, False):
        x = torch.randn(shape, dtype=torch.float64) * 3 + 1
        if second_in_memory:
            x = x.movedim(-1, 1).contiguous().movedim(1, -1)
        x.requires_grad_()
        y, expected = ours.train(training)(x), moved(theirs.train(training), x)
        torch.testing.assert_close(y, expected)
        assert y.stride() == x.stride()
        upstream = torch.randn_like(x)
        found, wanted = (torch.autograd.grad(z, x, upstream)[0] for z in (y, expected))
        torch.testing.assert_close(found, wanted)
        for name, value in ours.state_dict().items():
            torch.testing.assert_close(value, theirs.state_dict()[name])


@SHAPES
def test_gradients_are_those_of_finite_differences(shape):
    ours, _ = pair_of(shape, momentum=0.0)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ours, x)
    assert torch.autograd.gradgradcheck(ours, x, fast_mode=True)


@dtypes
def test_each_dtype_is_as_accurate_as_torch_s(dtype):
    ours, theirs = pair_of((9, 20, 3), dtype)
    x = (torch.randn(9, 20, 3, dtype=torch.float64) * 3 + 1).to(dtype)
    truth = moved(copy.deepcopy(theirs).double(), x.double())
    assert_as_accurate_as_torch(ours(x), moved(theirs, x), truth)


def test_input_of_no_single_layout_is_normalised_too():
    ours, theirs = pair_of((6, 8, 3))
    x = torch.randn(8, 6, 6, dtype=torch.float64).transpose(0, 1)[..., ::2]
    torch.testing.assert_close(ours(x), moved(theirs, x))


def test_state_dict_is_a_batch_norm_s():
    ours, theirs = pair_of((7, 3))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.state_dict()._metadata == theirs.state_dict()._metadata
    theirs.load_state_dict(ours.state_dict())


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3,), r"^expected at least 2D input \(got 1D input\)"),
        ((8, 5), "^expected the last dimension to hold 3 features.*num_features=5"),
        ((8, 3, 5), r"^expected the last dimension to hold 3 features.*come second"),
        ((1, 3), "^Expected more than 1 value per channel when training"),
        ((1, 1, 3), "^Expected more than 1 value per channel when training"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"affine": False, "track_running_stats": False}])
def test_input_that_does_not_fit_changes_nothing(shape, message, options):
    layer = nn.BatchNormLast(3, **options)
    before = copy.deepcopy(layer.state_dict())
    with pytest.raises(ShapeError, match=message):
        layer(torch.randn(shape))
    for name, value in before.items():
        assert torch.equal(layer.state_dict()[name], value)


def test_dtype_that_does_not_fit_changes_nothing():
    layer = nn.BatchNormLast(3)
    with pytest.raises(DtypeError, match="mixed dtype"):
        layer(torch.randn(4, 3, dtype=torch.float64))
    assert layer.num_batches_tracked == 0


def test_empty_batch_passes():
    assert nn.BatchNormLast(3)(torch.empty(0, 4, 3)).shape == (0, 4, 3)


def test_conversion_to_sync_batch_norm_is_refused():
    with pytest.raises(ArgumentError, match="own behaviour would be lost"):
        nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNormLast(3))
