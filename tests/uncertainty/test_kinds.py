"""Every kind of dropout is live, and every strategy gives each sample the same masks."""

import inspect

import pytest
import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from uncertainty.mc_cases import CASES, by_row, by_weight, cases, strategies
from uncertainty.mc_models import DroppedRecurrent, around
from wolfsbane import functional as F
from wolfsbane import nn as ours
from wolfsbane.errors import UnsupportedError
from wolfsbane.uncertainty import mc_dropout
from wolfsbane.uncertainty.routing import HANDLERS

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


def samples(model, x, strategy, count=6, **options):
    return mc_dropout(
        model, x, count, strategy, generator=seeded(), keep_samples=True, **options
    ).samples


def draws(layer):
    """Whether a class of ours draws random numbers in training: a dropout, or one with a key."""
    return issubclass(layer, _DropoutNd) or "generator" in inspect.signature(layer).parameters


def test_every_layer_that_drops_is_in_the_table():
    there = {type(module) for case in CASES for module in case.make().modules()}
    layers = [getattr(ours, name) for name in ours.__all__]
    assert [layer for layer in layers if draws(layer) and layer not in there] == []


def test_every_function_that_draws_has_a_handler():
    functions = [getattr(F, name) for name in F.__all__]
    drawing = [f for f in functions if "generator" in parameters(f)]
    assert len(drawing) > 15
    assert [function for function in drawing if function not in HANDLERS] == []


def parameters(function):
    try:
        return inspect.signature(function).parameters
    except ValueError:  # a function of C++
        return {}


@cases
@pytest.mark.parametrize("mode", [True, False])
def test_each_kind_drops_in_either_mode_of_the_model(case, mode):
    model = case.make().train(mode)
    prediction = mc_dropout(model, torch.randn(case.shape), 8)
    assert (prediction.variance > 0).any()


@cases
def test_modes_buffers_attributes_and_generators_are_as_before(case):
    model, x = case.make().train(), torch.randn(case.shape)
    model.get_submodule("").register_buffer("seen", torch.ones(2))
    modes = [module.training for module in model.modules()]
    attributes = [dict(module.__dict__) for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    given, generator = x.clone(), torch.random.get_rng_state()
    for strategy in ("auto", "loop"):
        mc_dropout(model, x, 4, strategy, generator=seeded())
    assert [module.training for module in model.modules()] == modes
    assert [dict(module.__dict__) for module in model.modules()] == attributes
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert torch.equal(x, given)
    assert torch.equal(torch.random.get_rng_state(), generator)
    assert not any(module._forward_hooks for module in model.modules())


@strategies
def test_strategies_give_each_sample_the_masks_of_the_loop(case, strategy):
    model, x = case.make(), torch.randn(case.shape)
    expected = samples(model, x, "loop")
    # 1e-5: the same sums, rounded in another order; another mask differs by a tenth or more.
    torch.testing.assert_close(samples(model, x, strategy), expected, rtol=1e-4, atol=1e-5)


@strategies
def test_consistent_results_depend_neither_on_batches_nor_on_order(case, strategy):
    model, x = case.make(), torch.randn(7, *case.shape[1:])
    whole = samples(model, x, strategy, consistent=True)
    parts = samples(model, x, strategy, consistent=True, batch_size=3)
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-5)
    order = torch.randperm(7)
    shuffled = samples(model, x[order], strategy, consistent=True)
    torch.testing.assert_close(shuffled, whole[:, order], rtol=1e-4, atol=1e-5)


@by_row
def test_consistent_gives_equal_rows_equal_samples_and_others_not(case):
    model = case.make()
    x = torch.randn(1, *case.shape[1:]).expand(case.shape).contiguous()
    same = samples(model, x, "loop", consistent=True)
    torch.testing.assert_close(same, same[:, :1].expand_as(same), rtol=1e-4, atol=1e-5)
    assert same.std(0).max() > 0
    different = samples(model, x, "loop")
    assert (different - different[:, :1]).abs().max() > 1e-3


@by_weight
def test_what_rows_share_is_another_in_each_sample_and_one_for_the_rows_of_a_sample(case):
    model = case.make()
    x = torch.randn(1, *case.shape[1:]).expand(case.shape).contiguous()
    kept = samples(model, x, "loop")
    if not isinstance(model, DroppedRecurrent):  # its locked dropout is by row
        torch.testing.assert_close(kept, kept[:, :1].expand_as(kept), rtol=1e-4, atol=1e-5)
    assert (kept.std(0) > 1e-3).any()
    if case.weights:
        with pytest.raises(UnsupportedError, match="a dropped weight would be the same"):
            samples(model, x, "replicate")


@pytest.mark.parametrize("layer", [nn.Dropout2d(0.4), ours.DropPath(0.4), nn.Dropout(0.4)])
@pytest.mark.parametrize("strategy", ["prefix", "replicate"])
@pytest.mark.parametrize("channels_last", [True, False])
def test_masks_are_the_same_whichever_kernel_a_tensor_is_large_enough_for(
    layer, strategy, channels_last
):
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.rand(2, 4, 110, 110).to(memory_format=layout) + 1.0
    model = nn.Sequential(layer)
    assert torch.equal(samples(model, x, strategy, 4), samples(model, x, "loop", 4))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_results_keep_the_dtype_of_the_output(dtype):
    model, x = around(nn.Dropout(0.4)).to(dtype), torch.randn(4, 6, dtype=dtype)
    prediction = mc_dropout(model, x, 20, outputs="logits")
    for statistic in (prediction.mean, prediction.variance, prediction.entropy):
        assert statistic.dtype is dtype
        assert statistic.isfinite().all()
