"""What drops is on, all else is in evaluation, and everything is as before afterwards."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.nn import functional as torch_functional

from uncertainty.mc_models import Functional, around, encoder
from wolfsbane import nn as ours
from wolfsbane.errors import (
    UnsupportedError,
)
from wolfsbane.uncertainty import mc_dropout


def seeded(seed=5):
    return torch.Generator().manual_seed(seed)


def test_functional_dropout_stays_live_although_the_model_is_in_evaluation():
    prediction = mc_dropout(Functional().eval(), torch.randn(4, 6), 8)
    assert (prediction.variance > 0).all()


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(6), ours.BatchNormAct1d(6, p=0.5)])
def test_batch_norm_uses_running_statistics_which_stay(layer):
    layer.running_mean.normal_()
    model = nn.Sequential(layer, nn.Dropout(0.5)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x = torch.randn(4, 6)
    alone = mc_dropout(model, x[:1], 6, generator=seeded(), keep_samples=True).samples
    among = mc_dropout(model, x, 6, generator=seeded(), keep_samples=True).samples
    normalised = layer.eval()(x[:1])
    kept = (alone != 0) & (among[:, :1] != 0)
    # Kept by both, a value is the normalised one, scaled by 2 at each drop: no other row matters.
    torch.testing.assert_close(alone[kept], among[:, :1][kept])
    scale = 4.0 if isinstance(layer, ours.BatchNormAct1d) else 2.0
    expected = (normalised * scale).expand_as(alone)[kept]
    torch.testing.assert_close(alone[kept], expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_encoder_drops_although_its_fast_path_would_not():
    model = encoder().eval()
    with torch.no_grad():
        assert torch.equal(model(x := torch.randn(3, 5, 8)), model(x))
    assert (mc_dropout(model, x, 4).variance > 0).all()


def test_weights_that_are_dropped_have_another_mask_in_each_sample():
    class DroppedWeight(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(12, 3))

        def forward(self, x):
            return x @ torch_functional.dropout(self.weight * 1.0, 0.5).T

    model, x = DroppedWeight(), torch.randn(3, 3)
    for strategy in ("loop", "prefix", "auto"):
        assert (mc_dropout(model, x, 4, strategy).variance > 0).any()
    with pytest.raises(UnsupportedError, match="'replicate' cannot run this model"):
        mc_dropout(model, x, 4, "replicate")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_everything_is_restored_after_an_error_in_the_middle(error):
    class Failing(nn.Module):
        calls = 0

        def forward(self, x):
            Failing.calls += 1
            self.last = x
            if Failing.calls == 3:
                raise error
            return x

    layer = ours.BatchNormAct1d(6, p=0.5)
    model = nn.Sequential(layer, nn.Dropout(0.5).eval(), Failing()).train()
    x, modes = torch.randn(4, 6), [module.training for module in model.modules()]
    state = torch.random.get_rng_state()
    with pytest.raises(error):
        mc_dropout(model, x, 9, "loop", generator=seeded())
    assert [module.training for module in model.modules()] == modes
    assert not layer._forward_hooks
    assert not hasattr(model[2], "last")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.is_grad_enabled()
    assert torch.equal(torch_functional.dropout(ones := torch.ones(9), 0.5, training=False), ones)


def test_compiled_model_runs_as_it_was_written():
    model = around(nn.Dropout(0.5))
    compiled = torch.compile(model, backend="eager")
    x = torch.randn(4, 6)
    compiled.eval()(x)
    found = mc_dropout(compiled, x, 6, generator=seeded())
    expected = mc_dropout(model, x, 6, generator=seeded())
    torch.testing.assert_close(found.mean, expected.mean)


class Switching(nn.Module):
    """Changes its own mode in its forward."""

    def __init__(self, mode):
        super().__init__()
        self.mode = mode
        self.net = nn.Sequential(nn.BatchNorm1d(6), ours.DropConnect(6, 3, p=0.5))

    def forward(self, x):
        return self.train(self.mode).net(x)


@pytest.mark.parametrize("mode", [True, False])
def test_model_that_changes_its_mode_in_its_forward_stays_as_it_was_set(mode):
    model = Switching(mode)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert (mc_dropout(model, torch.randn(4, 6), 6).variance > 0).any()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert "train" not in model.__dict__
    assert not model.eval().net.training


def test_threads_with_one_model_give_what_one_thread_gives_and_leave_it_as_it_was():
    model, x = around(nn.Dropout(0.5)).train(), torch.randn(4, 6)
    expected = mc_dropout(model, x, 16, "loop", generator=seeded()).mean
    state = torch.random.get_rng_state()
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda _: mc_dropout(model, x, 16, generator=seeded()).mean, range(12))
        )
    for mean in found:
        torch.testing.assert_close(mean, expected)
    assert all(module.training for module in model.modules())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_prediction_inside_a_prediction_keeps_the_outer_masks():
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.drop = around(ours.GaussianDropout(0.5)), nn.Dropout(0.5)

        def forward(self, x):
            inner = mc_dropout(self.inner, x, 4, "loop", generator=seeded())
            return self.drop(inner.mean)

    model, x = Outer(), torch.randn(4, 6)
    loop = mc_dropout(model, x, 6, "loop", generator=seeded(), keep_samples=True).samples
    auto = mc_dropout(model, x, 6, generator=seeded(), keep_samples=True).samples
    torch.testing.assert_close(auto, loop)
    inner = mc_dropout(model.inner, x, 4, "loop", generator=seeded()).mean
    kept = loop != 0
    torch.testing.assert_close(loop[kept], (inner * 2).expand_as(loop)[kept])


@pytest.mark.parametrize("training", [True, False])
def test_exported_graphs_have_masks_too(training):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(6, 3)

        def forward(self, x):
            return self.linear(torch_functional.dropout(x, 0.5, self.training))

    x = torch.randn(4, 6)
    exported = torch.export.export(Net().train(training), (x,)).module()
    loop = mc_dropout(exported, x, 6, "loop", generator=seeded(), keep_samples=True).samples
    assert (loop.var(0) > 0).all()
    prefix = mc_dropout(exported, x, 6, "prefix", generator=seeded(), keep_samples=True).samples
    torch.testing.assert_close(prefix, loop)


@pytest.mark.parametrize("strategy", ["loop", "prefix", "replicate", "auto"])
def test_inference_mode_changes_nothing(strategy):
    model, x = nn.Sequential(around(nn.Dropout(0.5, inplace=True))), torch.randn(4, 6)
    expected = mc_dropout(model, x, 20, "loop", generator=seeded()).mean
    with torch.inference_mode():
        found = mc_dropout(model, x.clone(), 20, strategy, generator=seeded()).mean
        torch.testing.assert_close(found, expected)


def test_autocast_is_refused_by_name_where_vmap_would_leave_it_out_and_not_in_auto():
    model, x = around(nn.Dropout(0.5)), torch.randn(4, 6)
    with torch.autocast("cpu", torch.bfloat16):
        loop = mc_dropout(model, x, 20, "loop", generator=seeded())
        auto = mc_dropout(model, x, 20, generator=seeded())
        assert loop.mean.dtype is auto.mean.dtype is torch.bfloat16
        torch.testing.assert_close(auto.mean, loop.mean)
        with pytest.raises(UnsupportedError, match="autocast is on"):
            mc_dropout(model, x, 20, "prefix")
