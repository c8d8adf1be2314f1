"""Frozen batch norm is F.batch_norm(training=False), whatever is done to the model around it."""

import copy

import pytest
import torch
from torch.optim.swa_utils import update_bn

from cases import dtypes
from significance import assert_as_accurate_as_torch
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError

KEYS = ["weight", "bias", "running_mean", "running_var"]

SHAPES = pytest.mark.parametrize(
    "shape", [(7, 3), (7, 3, 5), (1, 3), (0, 3, 4), (4, 3, 5, 2), (2, 3, 2, 4, 2)], ids=str
)
LAYERS = pytest.mark.parametrize("dims", [1, 2, 3])


def batch_norm_for(shape, dtype=torch.float64, **options):
    """Return torch's batch norm, trained a little."""
    dims = max(1, len(shape) - 2)
    layer = getattr(torch.nn, f"BatchNorm{dims}d")(shape[1], dtype=dtype, **options)
    for parameter in layer.parameters():
        torch.nn.init.uniform_(parameter, 0.5, 1.5)
    layer(torch.randn(9, *shape[1:], dtype=dtype) * 3 + 2)
    return layer


def frozen_for(shape, dtype=torch.float64):
    dims = max(1, len(shape) - 2)
    return getattr(nn, f"FrozenBatchNorm{dims}d").from_batch_norm(batch_norm_for(shape, dtype))


def timm_formula(x, layer):
    """Return what timm's and torchvision's frozen layers compute."""
    shape = [1, -1, *[1] * (x.dim() - 2)]
    scale = layer.weight * (layer.running_var + layer.eps).rsqrt()
    shift = layer.bias - layer.running_mean * scale
    return x * scale.reshape(shape) + shift.reshape(shape)


@SHAPES
@pytest.mark.parametrize("training", [True, False])
def test_output_is_a_batch_norm_s_in_evaluation(shape, training):
    theirs = batch_norm_for(shape).eval()
    dims = max(1, len(shape) - 2)
    ours = getattr(nn, f"FrozenBatchNorm{dims}d").from_batch_norm(theirs).train(training)
    x = torch.randn(shape, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours(x), timm_formula(x, ours))


@dtypes
@pytest.mark.parametrize("wide_buffers", [False, True])
def test_each_dtype_is_computed_in_float32_or_wider_and_rounded_once(dtype, wide_buffers):
    wide = frozen_for((64, 3, 4, 5), torch.float32)
    layer = copy.deepcopy(wide)
    if not (wide_buffers and dtype in {torch.float16, torch.bfloat16}):
        layer.to(dtype)
    x = (torch.randn(64, 3, 4, 5) * 3 + 2).to(dtype)
    truth = timm_formula(x.double(), copy.deepcopy(layer).double())
    once = timm_formula(x.float(), copy.deepcopy(layer).float()).to(dtype)
    assert_as_accurate_as_torch(layer(x), once, truth)


@SHAPES
def test_gradient_of_the_input_is_that_of_finite_differences(shape):
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    layer = frozen_for(shape)
    assert torch.autograd.gradcheck(layer, x)
    assert torch.autograd.gradgradcheck(layer, x)


@LAYERS
def test_nothing_turns_it_back_to_training(dims):
    shape = (4, 3, *[2] * dims)
    frozen = frozen_for(shape)
    model = torch.nn.Sequential(frozen, torch.nn.Dropout(0.0)).train().requires_grad_()
    before = copy.deepcopy(model.state_dict())
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    expected = model.eval()(x)
    model.train()
    update_bn([x], model)
    model(x).sum().backward()
    torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert nn.SyncBatchNorm.convert_sync_batchnorm(model)[0] is frozen
    assert list(model.parameters()) == []
    torch.testing.assert_close(model(x), expected, rtol=0, atol=0)
    for name, value in before.items():
        assert torch.equal(model.state_dict()[name], value)


@LAYERS
def test_batch_norm_s_state_dict_loads_strictly(dims):
    theirs = batch_norm_for((4, 3, *[2] * dims), torch.float32)
    model = torch.nn.Sequential(getattr(nn, f"FrozenBatchNorm{dims}d")(3))
    state = torch.nn.Sequential(theirs).state_dict()
    assert "0.num_batches_tracked" in state
    model.load_state_dict(state)
    assert "0.num_batches_tracked" in state  # what was given is not changed
    for name in KEYS:
        assert torch.equal(getattr(model[0], name), getattr(theirs, name))


@LAYERS
def test_state_dict_has_the_keys_of_detectron2_and_timm_and_torchvision(dims):
    layer = getattr(nn, f"FrozenBatchNorm{dims}d")(3)
    assert list(layer.state_dict()) == KEYS
    assert all(value.shape == (3,) for value in layer.state_dict().values())
    theirs = {name: torch.rand(3) for name in KEYS}
    layer.load_state_dict(theirs)
    for name, value in theirs.items():
        assert torch.equal(getattr(layer, name), value)


def test_file_of_ours_says_the_version_from_which_detectron2_takes_the_variance_as_it_is():
    assert nn.FrozenBatchNorm2d(3).state_dict()._metadata[""] == {"version": 3}


@pytest.mark.parametrize("assign", [False, True])
def test_parameters_that_are_loaded_become_buffers(assign):
    theirs = batch_norm_for((4, 3), torch.float32)
    layer = nn.FrozenBatchNorm1d(3)
    layer.load_state_dict(theirs.state_dict(keep_vars=True), assign=assign)
    assert list(layer.parameters()) == []
    assert list(dict(layer.named_buffers())) == KEYS
    assert not any(buffer.requires_grad for buffer in layer.buffers())


def test_missing_and_unknown_keys_are_errors():
    layer = nn.FrozenBatchNorm1d(3)
    with pytest.raises(RuntimeError, match="Missing key"):
        layer.load_state_dict({})
    with pytest.raises(RuntimeError, match="Unexpected key"):
        layer.load_state_dict({**layer.state_dict(), "tau": torch.zeros(3)})


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.nn.BatchNorm1d(3, eps=0.1, dtype=torch.float64),
        lambda: torch.nn.BatchNorm1d(3, affine=False),
        lambda: nn.BatchNorm1d(3, bias=False),
        lambda: nn.GhostBatchNorm1d(3, ghost_batch_size=4),
        lambda: nn.BatchRenorm1d(3),
        lambda: torch.nn.SyncBatchNorm(3),
        lambda: nn.SyncBatchNorm(3),
    ],
)
def test_any_batch_norm_can_be_frozen(make):
    theirs = make().eval()
    theirs.running_mean.normal_()
    theirs.running_var.uniform_(0.5, 1.5)
    frozen = nn.FrozenBatchNorm1d.from_batch_norm(theirs)
    x = torch.randn(8, 3, dtype=theirs.running_mean.dtype)
    expected = theirs(x).detach()
    torch.testing.assert_close(frozen(x), expected)
    assert frozen.eps == theirs.eps
    theirs.running_mean.zero_()  # a copy, not the same tensors
    torch.testing.assert_close(frozen(x), expected)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (torch.nn.BatchNorm1d(3), "^BatchNorm1d does not become a FrozenBatchNorm2d"),
        (torch.nn.LazyBatchNorm2d(), "^LazyBatchNorm2d has not seen its first batch"),
        (torch.nn.BatchNorm2d(3, track_running_stats=False), "no running statistics"),
        (nn.BatchNormAct2d(3), "^BatchNormAct2d does more than a batch norm"),
        (nn.BatchNormLast(3), "^BatchNormLast does more than a batch norm"),
    ],
)
def test_what_would_be_another_layer_is_not_frozen(layer, message):
    with pytest.raises(ArgumentError, match=message):
        nn.FrozenBatchNorm2d.from_batch_norm(layer)


def test_other_layer_is_not_frozen():
    with pytest.raises(ArgumentTypeError, match="takes a batch norm, but got Linear"):
        nn.FrozenBatchNorm1d.from_batch_norm(torch.nn.Linear(2, 2))


@pytest.mark.parametrize(
    ("dims", "shape", "message"),
    [
        (1, (3,), r"^expected 2D or 3D input \(got 1D input\)"),
        (2, (4, 3, 2), r"^expected 4D input \(got 3D input\)"),
        (3, (4, 3, 2, 2), r"^expected 5D input \(got 4D input\)"),
        (2, (4, 5, 2, 2), "^running_mean should contain 5 elements not 3"),
    ],
)
def test_input_of_another_shape_is_refused(dims, shape, message):
    with pytest.raises(ShapeError, match=message):
        getattr(nn, f"FrozenBatchNorm{dims}d")(3)(torch.randn(shape))


def test_input_of_another_dtype_is_refused():
    with pytest.raises(DtypeError, match="mixed dtype"):
        nn.FrozenBatchNorm1d(3)(torch.randn(4, 3, dtype=torch.float64))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_features": 0}, ArgumentError, "^num_features has to be a positive integer"),
        ({"eps": 0.0}, ArgumentError, "^batch_norm eps must be positive"),
        ({"epsilon": 1e-3}, ArgumentTypeError, "did you mean eps"),
    ],
)
def test_option_out_of_range_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        nn.FrozenBatchNorm1d(**({"num_features": 3} | options))


def test_layout_is_kept():
    x = torch.randn(4, 3, 4, 5).to(memory_format=torch.channels_last)
    assert frozen_for(x.shape, torch.float32)(x).is_contiguous(memory_format=torch.channels_last)


def test_new_layer_is_nearly_the_identity():
    x = torch.randn(4, 3, dtype=torch.float64)
    layer = nn.FrozenBatchNorm1d(3, dtype=torch.float64)
    torch.testing.assert_close(layer(x), x, rtol=1e-5, atol=0)
    assert repr(layer) == "FrozenBatchNorm1d(3, eps=1e-05)"
