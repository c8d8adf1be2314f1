"""Batch norm as a layer, against torch's in float64 and by its own definition."""

import copy
import inspect
import io
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.swa_utils import update_bn
from torch.utils.checkpoint import checkpoint

from cases import batch_norms, dense_layouts, draw, dtypes
from significance import assert_as_accurate_as_torch
from skips import require
from wolfsbane import nn

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


def layer_of(case, **options):
    return getattr(nn, case.layer)(case.num_features, **options)


def pair_of(case, dtype=torch.float64, **options):
    """Return our layer and torch's with the same tensors."""
    theirs_name = "BatchNorm2d" if case.layer == "SyncBatchNorm" else case.layer
    ours = layer_of(case, dtype=dtype, **options)
    theirs_class = getattr(torch.nn, theirs_name)
    known = inspect.signature(theirs_class).parameters
    require(set(options) <= set(known), f"torch.nn.{theirs_name} with {options}")
    theirs = theirs_class(case.num_features, dtype=dtype, **options)
    for parameter in ours.parameters():
        torch.nn.init.uniform_(parameter, 0.5, 1.5)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def assert_same_state(ours, theirs):
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        if value.is_floating_point():
            assert_as_accurate_as_torch(ours.state_dict()[name], value, value.double())
        else:
            assert torch.equal(ours.state_dict()[name], value)


@batch_norms
@OPTIONS
def test_training_and_evaluation_equal_torch_in_float64(case, options):
    ours, theirs = pair_of(case, **options)
    for training in (True, True, False, True):
        x = torch.randn(case.shape, dtype=torch.float64) * 3 + 1
        y, expected = ours.train(training)(x), theirs.train(training)(x)
        assert_as_accurate_as_torch(y, expected, expected)
        assert_same_state(ours, theirs)


@batch_norms
@OPTIONS
@pytest.mark.parametrize("training", [True, False])
def test_gradients_to_second_order_equal_torch(case, options, training):
    layers = pair_of(case, **options)
    x, upstream = torch.randn(2, *case.shape, dtype=torch.float64).unbind()

    def gradients(layer):
        inputs = [x.clone().requires_grad_(), *layer.train(training).parameters()]
        loss = (layer(inputs[0]) * upstream).pow(3).sum()
        first = torch.autograd.grad(loss, inputs, create_graph=True)
        penalty = sum(grad.square().sum() for grad in first)
        return [*first, *torch.autograd.grad(penalty, inputs)]

    ours, theirs = map(gradients, layers)
    for one, other in zip(ours, theirs, strict=True):
        # Sums of thousands of terms in another order, through two derivatives.
        floor = 1e-12 * other.abs().max().item()
        assert_as_accurate_as_torch(one, other, other, floor)


@batch_norms
def test_state_dict_has_torch_s_keys_metadata_and_types(case):
    ours, theirs = pair_of(case, torch.float32)
    assert list(ours.state_dict()) == [
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "num_batches_tracked",
    ]
    assert ours.state_dict()._metadata == theirs.state_dict()._metadata
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    assert [v.dtype for v in ours.state_dict().values()] == [
        v.dtype for v in theirs.state_dict().values()
    ]


@batch_norms
def test_repr_is_torch_s(case):
    ours, theirs = pair_of(case)
    assert ours.extra_repr() == theirs.extra_repr()


@given(batches=st.lists(st.integers(2, 9), min_size=1, max_size=5))
def test_no_momentum_averages_the_batches(batches):
    bn = nn.BatchNorm1d(3, momentum=None, dtype=torch.float64)
    data = [torch.randn(size, 3, dtype=torch.float64) for size in batches]
    for x in data:
        bn(x)
    assert torch.allclose(bn.running_mean, torch.stack([x.mean(0) for x in data]).mean(0))
    assert torch.allclose(bn.running_var, torch.stack([x.var(0) for x in data]).mean(0))
    assert bn.num_batches_tracked == len(batches)


@batch_norms
def test_evaluation_does_not_change_the_layer(case):
    bn = layer_of(case)
    bn(torch.randn(case.shape))
    before = copy.deepcopy(bn.state_dict())
    x = torch.randn(case.shape)
    assert torch.equal(bn.eval()(x)[:1], bn(x[:1]))
    assert all(torch.equal(before[name], value) for name, value in bn.state_dict().items())


@batch_norms
@pytest.mark.parametrize("training", [True, False])
def test_empty_batch_leaves_the_statistics_alone(case, training):
    bn = layer_of(case).train(training)
    x = torch.ones(0, *case.shape[1:])
    assert bn(x).shape == x.shape
    assert torch.equal(bn.running_mean, torch.zeros(case.num_features))
    assert torch.equal(bn.running_var, torch.ones(case.num_features))


@dtypes
@dense_layouts
@pytest.mark.parametrize("training", [True, False])
def test_layout_and_dtype_of_the_input_are_kept(layout, dtype, training):
    x = draw(layout, dtype)
    vectors = torch.float64 if dtype is torch.float64 else torch.float32
    y = nn.BatchNorm2d(layout.shape[1], dtype=vectors).train(training)(x)
    assert (y.stride(), y.dtype) == (x.stride(), dtype)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@OPTIONS
@pytest.mark.parametrize("training", [True, False])
def test_layer_may_be_in_half_precision_itself(dtype, options, training):
    bn = nn.BatchNorm1d(3, **options).to(dtype).train(training)
    x = torch.randn(7, 3).to(dtype).requires_grad_()
    y = bn(x)
    y.sum().backward()
    assert y.dtype is x.grad.dtype is dtype
    assert all(parameter.grad.dtype is dtype for parameter in bn.parameters())


@OPTIONS
@pytest.mark.parametrize("training", [True, False])
def test_autocast_to_bfloat16_trains(options, training):
    """pytorch#61924: torch's fails on a GPU with affine=False."""
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5, **options))
    x = torch.randn(4, 3, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = model.train(training)(x)
    y.float().square().sum().backward()
    assert y.dtype is torch.bfloat16
    assert all(parameter.grad.dtype is torch.float32 for parameter in model.parameters())


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))],
    ids=["deepcopy", "pickle"],
)
@batch_norms
def test_copy_is_the_same_layer_and_independent(case, copied):
    bn = layer_of(case, momentum=0.3)
    bn(torch.randn(case.shape))
    twin = copied(bn)
    x = torch.randn(case.shape)
    assert type(twin) is type(bn)
    assert torch.equal(twin(x), bn(x))
    twin.running_mean.zero_()
    assert not torch.equal(bn.running_mean, twin.running_mean)


@batch_norms
@pytest.mark.parametrize("whole", [True, False])
def test_saved_layer_or_state_is_loaded_as_it_was(case, whole):
    bn = layer_of(case)
    bn(torch.randn(case.shape))
    buffer = io.BytesIO()
    torch.save(bn if whole else bn.state_dict(), buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=not whole)
    twin = loaded if whole else layer_of(case)
    if not whole:
        twin.load_state_dict(loaded)
    x = torch.randn(case.shape)
    assert torch.equal(twin.eval()(x), bn.eval()(x))


def test_functional_call_updates_the_buffers_that_it_is_given():
    bn = nn.BatchNorm1d(3, momentum=1.0)
    state = {name: value.detach().clone() for name, value in bn.state_dict().items()}
    x = torch.randn(7, 3)
    torch.func.functional_call(bn, state, (x,))
    assert torch.allclose(state["running_mean"], x.mean(0))
    assert state["num_batches_tracked"] == 1
    assert torch.equal(bn.running_mean, torch.zeros(3))
    assert bn.num_batches_tracked == 0


def test_vmap_over_stacked_layers_equals_a_loop():
    layers = [nn.BatchNorm1d(3) for _ in range(4)]
    parameters, buffers = torch.func.stack_module_state(layers)
    x = torch.randn(4, 7, 3)

    def call(parameters, buffers, x):
        return torch.func.functional_call(layers[0], (parameters, buffers), (x,))

    y = torch.func.vmap(call)(parameters, buffers, x)
    expected = torch.stack([layer(batch) for layer, batch in zip(layers, x, strict=True)])
    assert torch.allclose(y, expected, atol=1e-6)
    means = torch.stack([layer.running_mean for layer in layers])
    assert torch.allclose(buffers["running_mean"], means)
    assert buffers["num_batches_tracked"].tolist() == [1] * 4


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpoint_gives_the_same_gradients(use_reentrant):
    bn = nn.BatchNorm1d(3)
    x = torch.randn(7, 3, requires_grad=True)
    upstream = torch.randn(7, 3)
    (expected,) = torch.autograd.grad((bn(x) * upstream).pow(2).sum(), x)
    (checkpoint(bn, x, use_reentrant=use_reentrant) * upstream).pow(2).sum().backward()
    assert torch.equal(x.grad, expected)


def test_update_bn_works_as_on_torch_s():
    data = [torch.randn(8, 3) for _ in range(4)]
    model = torch.nn.Sequential(nn.BatchNorm1d(3))
    update_bn(data, model)
    assert torch.allclose(model[0].running_mean, torch.cat(data).mean(0), atol=1e-6)
    assert model[0].momentum == 0.1


def test_two_forward_passes_before_one_backward_pass():
    """pytorch#22095: statistics must not be saved as the buffers that a later pass changes."""
    bn = nn.BatchNorm1d(3)
    x = torch.randn(7, 3, requires_grad=True)
    loss = bn(x).pow(3).sum() + bn(2 * x).pow(3).sum()
    loss.backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_running_variance_is_accurate_at_mean_1e5(memory_format):
    x = (torch.randn(16, 3, 64, 64) + 1e5).contiguous(memory_format=memory_format)
    bn = nn.BatchNorm2d(3, momentum=1.0)
    bn(x)
    truth = x.double().var((0, 2, 3))
    assert ((bn.running_var - truth).abs() / truth).max() < 2e-3
