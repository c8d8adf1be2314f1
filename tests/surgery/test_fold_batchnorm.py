"""Batch norms are taken into the layers beside them, exactly, and nowhere else."""

import copy
import functools
import warnings
from dataclasses import dataclass

import pytest
import torch
from torch import fx
from torch.nn import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Identity,
    Linear,
    Module,
    ReLU,
    Sequential,
)
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from wolfsbane import nn, surgery
from wolfsbane.errors import ModelError


def learned(model):
    """Give batch norms weights and statistics as after training; evaluation mode."""
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            if module.affine:
                torch.nn.init.uniform_(module.weight, -2.0, 2.0)
                torch.nn.init.normal_(module.bias)
            if module.track_running_stats:
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2.0)
    return model.eval()


def fx_fuse(model):
    """Fold as torch.fx does; its module uses what torch itself deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from torch.fx.experimental.optimization import fuse  # noqa: PLC0415
    return fuse(model)


def reasons(plan):
    return {kept.path: kept.why for kept in plan.kept}


def assert_folded(model, x):
    """Fold, and compare with float64: twice the unfolded model's error and a floor is allowed."""
    truth = copy.deepcopy(model).double()(x.double())
    unfolded = (model(x) - truth).abs().max()
    undo = surgery.fold_batchnorm(model, x).apply()
    floor = 8 * torch.finfo(x.dtype).eps * truth.abs().max()
    assert (model(x) - truth).abs().max() <= 2 * unfolded + floor
    assert not any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in model.modules())
    return undo


@dataclass(frozen=True)
class FoldCase:
    """A layer, a batch norm behind it, and one before it where that is exact."""

    name: str
    layer: Module
    behind: Module
    shape: tuple[int, ...]
    before: Module | None = None


CASES = (
    FoldCase("linear", Linear(4, 6), BatchNorm1d(6), (5, 4), BatchNorm1d(4)),
    FoldCase("linear-no-bias", Linear(4, 6, bias=False), nn.BatchNorm1d(6), (5, 4), BatchNorm1d(4)),
    FoldCase("conv1d", Conv1d(4, 6, 3), BatchNorm1d(6), (2, 4, 9), BatchNorm1d(4)),
    FoldCase(
        "conv2d-grouped",
        Conv2d(4, 6, 3, groups=2, stride=2, bias=False),
        BatchNorm2d(6, affine=False),
        (2, 4, 9, 8),
        nn.BatchNorm2d(4, affine=False),
    ),
    FoldCase(
        "conv2d-depthwise", Conv2d(4, 8, 3, groups=4, padding=1), BatchNorm2d(8), (2, 4, 5, 5)
    ),
    FoldCase(
        "conv2d-circular",
        Conv2d(4, 6, 3, padding=1, padding_mode="circular"),
        BatchNorm2d(6),
        (2, 4, 5, 5),
        BatchNorm2d(4),
    ),
    FoldCase(
        "conv3d", Conv3d(4, 6, 2, dilation=2), BatchNorm3d(6), (2, 4, 5, 5, 5), BatchNorm3d(4)
    ),
    FoldCase("transposed1d", ConvTranspose1d(4, 6, 3, stride=2), BatchNorm1d(6), (2, 4, 9)),
    FoldCase(
        "transposed2d-grouped",
        ConvTranspose2d(4, 6, 3, groups=2, padding=1, output_padding=1, stride=2, bias=False),
        nn.BatchNorm2d(6),
        (2, 4, 5, 5),
    ),
    FoldCase(
        "transposed2d-of-one",
        ConvTranspose2d(4, 6, 1, groups=2),
        BatchNorm2d(6),
        (2, 4, 5, 5),
        BatchNorm2d(4),
    ),
    FoldCase("transposed3d", ConvTranspose3d(4, 6, 2), BatchNorm3d(6), (2, 4, 3, 3, 3)),
)

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@cases
def test_batch_norm_behind_a_layer_is_folded_exactly(case):
    model = learned(Sequential(copy.deepcopy(case.layer), copy.deepcopy(case.behind), ReLU()))
    assert_folded(model, torch.randn(case.shape))
    assert [type(m) for m in model] == [type(case.layer), Identity, ReLU]


@pytest.mark.parametrize("case", [c for c in CASES if c.before], ids=lambda case: case.name)
def test_batch_norm_before_a_layer_is_folded_exactly(case):
    model = learned(Sequential(ReLU(), copy.deepcopy(case.before), copy.deepcopy(case.layer)))
    assert_folded(model, torch.randn(case.shape))


@pytest.mark.parametrize("case", [c for c in CASES if c.before], ids=lambda case: case.name)
def test_one_layer_takes_in_a_batch_norm_on_each_side(case):
    parts = (case.before, case.layer, case.behind)
    model = learned(Sequential(*(copy.deepcopy(part) for part in parts)))
    undo = assert_folded(model, torch.randn(case.shape))
    assert "0 and 2 folded in" in str(undo.plan)


@pytest.mark.parametrize(
    "layer",
    [
        Conv2d(4, 6, 3, padding=1),
        Conv2d(4, 6, 3, padding="same"),
        ConvTranspose2d(4, 6, 3),
        ConvTranspose2d(4, 6, 1, stride=2),
    ],
    ids=["zeros", "same", "kernel", "stride"],
)
def test_batch_norm_before_a_layer_whose_edges_would_differ_is_left(layer):
    model = learned(Sequential(BatchNorm2d(4), layer))
    why = reasons(surgery.fold_batchnorm(model, torch.randn(2, 4, 6, 6)))["0"]
    assert "pads with zeros" in why or "not every output of it adds up the same weights" in why
    # And rightly: what a fold would add is not the same everywhere.
    constant = copy.deepcopy(model)
    constant[0].weight.data.zero_()
    constant[1].bias.data.zero_()
    spread = constant(torch.randn(1, 4, 6, 6)).flatten(2)
    assert (spread.amax(2) - spread.amin(2)).max() > 1e-3


def test_new_weights_are_computed_in_float64_and_rounded_once():
    model = learned(Sequential(Conv2d(3, 4, 3), BatchNorm2d(4))).to(torch.bfloat16)
    conv, norm = copy.deepcopy(model).double()
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    surgery.fold_batchnorm(model).apply()
    expected = (conv.weight * scale.view(-1, 1, 1, 1)).to(torch.bfloat16)
    assert torch.equal(model[0].weight, expected)
    bias = (conv.bias - norm.running_mean) * scale + norm.bias
    assert torch.equal(model[0].bias, bias.to(torch.bfloat16))


def test_activation_of_a_fused_layer_remains():
    for activation, left in (("relu", ReLU), ("elu", torch.nn.ELU), ("gelu_tanh", torch.nn.GELU)):
        model = learned(Sequential(Conv2d(3, 4, 3), nn.BatchNormAct2d(4, activation, p=0.5)))
        assert_folded(model, torch.randn(2, 3, 6, 6))
        assert type(model[1]) is left


class TimmLike(BatchNorm2d):
    """timm's batch norm with an activation, as its source describes it: known by its name."""

    def __init__(self, act):
        super().__init__(4)
        self.drop, self.act = Identity(), act

    def forward(self, x):
        return self.act(self.drop(super().forward(x)))


TimmLike.__module__, TimmLike.__qualname__ = "timm.layers.norm_act", "BatchNormAct2d"


def test_activation_of_timm_s_layer_remains_itself():
    act = torch.nn.SiLU(inplace=True)
    layers = Conv2d(3, 4, 3), TimmLike(act), Conv2d(4, 4, 1), TimmLike(Identity())
    model = learned(Sequential(*layers))
    norm = model[1]
    undo = assert_folded(model, torch.randn(2, 3, 6, 6))
    assert model[1] is act
    assert type(model[3]) is Identity
    undo()
    assert model[1] is norm


def test_activation_of_timm_s_layer_that_has_weights_keeps_the_layer():
    model = learned(Sequential(Conv2d(3, 4, 3), TimmLike(torch.nn.PReLU())))
    assert "whose names would change" in reasons(surgery.fold_batchnorm(model))["1"]


def test_torch_s_own_fold_loses_the_activation_and_ours_keeps_it():
    model = learned(Sequential(Conv2d(3, 4, 3), nn.BatchNormAct2d(4)))
    x = torch.randn(2, 3, 6, 6)
    expected = model(x)
    assert (fuse_conv_bn_eval(*copy.deepcopy(model))(x) - expected).abs().max() > 0.1
    surgery.fold_batchnorm(model, x).apply()
    torch.testing.assert_close(model(x), expected)


class Reused(Module):
    """One convolution, two batch norms."""

    def __init__(self):
        super().__init__()
        self.conv = Conv2d(3, 3, 1)
        self.first, self.second = BatchNorm2d(3), BatchNorm2d(3)

    def forward(self, x):
        return self.second(self.conv(self.first(self.conv(x))))


def test_fx_fuse_is_silently_wrong_on_a_reused_layer_and_ours_refuses():
    model = learned(Reused())
    x = torch.randn(2, 3, 5, 5)
    assert (fx_fuse(copy.deepcopy(model))(x) - model(x)).abs().max() > 0.1
    plan = surgery.fold_batchnorm(model, x)
    assert not plan
    assert "called 2 times" in reasons(plan)["first"]


def test_fx_fuse_is_silently_wrong_on_linear_with_three_dimensions_and_ours_refuses():
    model = learned(Sequential(Linear(4, 5), BatchNorm1d(5)))
    x = torch.randn(2, 5, 4)
    assert (fx_fuse(fx.symbolic_trace(copy.deepcopy(model)))(x) - model(x)).abs().max() > 0.1
    plan = surgery.fold_batchnorm(model, x)
    assert not plan
    assert "its input (2, 5, 5) has its channels in dimension 1" in reasons(plan)["1"]
    assert "pass example_inputs" in reasons(surgery.fold_batchnorm(model))["1"]
    assert surgery.fold_batchnorm(model, torch.randn(2, 4))


def test_torch_s_own_fold_fails_without_gamma_and_beta_and_ours_does_not():
    model = learned(Sequential(Linear(3, 4), BatchNorm1d(4, affine=False)))
    with pytest.raises(TypeError):
        fuse_linear_bn_eval(*copy.deepcopy(model))
    assert_folded(model, torch.randn(5, 3))


def test_names_that_come_and_go_are_reported():
    model = learned(Sequential(Conv2d(3, 4, 3, bias=False), BatchNorm2d(4)))
    plan = surgery.fold_batchnorm(model)
    names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    assert plan.keys == {f"1.{name}": None for name in names}
    assert plan.added_keys == ["0.bias"]
    before = set(model.state_dict())
    plan.apply()
    assert set(model.state_dict()) == before - set(plan.keys) | set(plan.added_keys)


def test_undo_restores_the_very_objects_and_the_optimizer():
    model = learned(Sequential(Conv2d(3, 4, 3, bias=False), BatchNorm2d(4), Conv2d(4, 2, 1)))
    model[0].weight.requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    parameters = list(model.parameters())
    norm = model[1]
    undo = surgery.fold_batchnorm(model, optimizers=[optimizer]).apply()
    held = {id(p) for p in optimizer.param_groups[0]["params"]}
    assert held == {id(p) for p in model.parameters()}
    assert not model[0].weight.requires_grad
    assert undo() is model
    assert model[1] is norm
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    assert [id(p) for p in optimizer.param_groups[0]["params"]] == [id(p) for p in parameters]


def test_memory_format_of_the_weight_stays():
    model = learned(Sequential(Conv2d(3, 4, 3), BatchNorm2d(4)))
    model.to(memory_format=torch.channels_last)
    surgery.fold_batchnorm(model).apply()
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)


def pair(**norm):
    return learned(Sequential(Conv2d(3, 4, 3), BatchNorm2d(4, **norm), ReLU()))


def in_training(model):
    model[1].train()


def without_statistics(model):
    model[1] = BatchNorm2d(4, track_running_stats=False).eval()


def with_a_hook(model):
    model[0].register_forward_hook(lambda *_: None)


def with_an_alias(model):
    model.add_module("again", model[0])


def with_tied_weights(model):
    other = Conv2d(3, 4, 3)
    other.weight = model[0].weight
    model.append(Sequential(Conv2d(4, 3, 1), other))


def with_another_forward(model):
    model[0].forward = lambda x: x


def with_weight_norm(model):
    torch.nn.utils.parametrizations.weight_norm(model[0])


def with_weights_too_large(model):
    model.half()
    model[1].weight.data.fill_(6e4)
    model[1].running_var.fill_(0.0)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (in_training, "in training mode: call model.eval() first"),
        (without_statistics, "no running statistics"),
        (with_a_hook, "a hook on Conv2d"),
        (with_an_alias, "called 2 times"),
        (with_tied_weights, "the weight of Conv2d is another module's too"),
        (with_another_forward, "its forward was replaced"),
        (with_weight_norm, "beside it is ParametrizedConv2d"),
        (with_weights_too_large, "too large for torch.float16"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_pair_that_is_not_safe_is_left_with_its_reason(spoil, why):
    model = pair()
    spoil(model)
    plan = surgery.fold_batchnorm(model)
    assert not plan
    assert why in reasons(plan)["1"]


def test_layer_that_hangs_twice_and_is_called_once_is_left():
    class Aliased(Module):
        def __init__(self):
            super().__init__()
            self.conv = self.alias = Conv2d(3, 4, 3)
            self.norm = BatchNorm2d(4)

        def forward(self, x):
            return self.norm(self.conv(x))

    assert "hangs in several places" in reasons(surgery.fold_batchnorm(learned(Aliased())))["norm"]


def test_layer_whose_output_is_used_elsewhere_is_left():
    class Twice(Reused):
        def forward(self, x):
            y = self.conv(x)
            return self.first(y) + y

    assert "is used 2 times" in reasons(surgery.fold_batchnorm(learned(Twice())))["first"]


def test_unbatched_sequences_are_left():
    # (C, L) through Conv1d is unbatched; BatchNorm1d then takes L for its channels.
    model = learned(Sequential(Conv1d(4, 6, 1), BatchNorm1d(6)))
    plan = surgery.fold_batchnorm(model, torch.randn(4, 6))
    assert "channels in dimension 1" in reasons(plan)["1"]


def test_batch_norm_goes_into_the_next_layer_where_the_one_before_is_none():
    model = learned(Sequential(ReLU(), BatchNorm2d(3), Conv2d(3, 4, 3), ReLU(), BatchNorm2d(4)))
    plan = surgery.fold_batchnorm(model, torch.randn(2, 3, 6, 6))
    assert [change.path for change in plan.changes] == ["2", "2", "1"]
    assert "beside it is ReLU" in reasons(plan)["4"]


def test_model_that_changed_between_plan_and_apply_is_not_folded_wrongly():
    model = pair()
    plan = surgery.fold_batchnorm(model)
    model[1].running_mean.add_(1.0)
    conv = model[0].weight
    with pytest.raises(ModelError, match="the layer at 0 would not compute the same"):
        plan.apply()
    assert model[0].weight is conv
    assert type(model[1]) is BatchNorm2d


def test_weights_that_are_wrong_in_the_fifth_digit_are_refused():
    model = pair()
    plan = surgery.fold_batchnorm(model)
    plan.changes[0].new.data.mul_(1 + 5e-5)
    with pytest.raises(ModelError, match="the layer at 0 would not compute the same"):
        plan.apply()


def test_fused_models_can_be_folded():
    model = learned(Sequential(Conv2d(3, 4, 3), BatchNorm2d(4), torch.nn.SiLU()))
    x = torch.randn(2, 3, 6, 6)
    expected = model(x)
    surgery.fuse(model, x).apply()
    surgery.fold_batchnorm(model, x).apply()
    torch.testing.assert_close(model(x), expected)
    assert [type(m) for m in model] == [Conv2d, torch.nn.SiLU, Identity]


class Rectifying(Module):
    """Writes into its input between the batch norm and the layer behind."""

    def __init__(self):
        super().__init__()
        self.norm, self.conv = BatchNorm2d(3), Conv2d(3, 4, 1)

    def forward(self, x):
        normed = self.norm(x)
        x.relu_()
        return self.conv(normed)


def test_batch_norm_whose_input_is_written_to_is_not_folded_forward():
    plan = surgery.fold_batchnorm(Rectifying().eval())
    assert not plan
    assert "other steps run between, which may write into its input" in reasons(plan)["norm"]


def nested_list(model):
    return [[model.conv], [model.norm]]


def method(model):
    return [model.conv.forward, model.norm.forward]


def partial_call(model):
    return [functools.partial(model.conv), functools.partial(model.norm)]


@pytest.mark.parametrize("held", [nested_list, method, partial_call])
def test_layer_that_is_called_from_elsewhere_than_its_slot_is_left(held):
    class Private(Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = Conv2d(3, 4, 1), learned(BatchNorm2d(4))
            self._calls = held(self)

        def forward(self, x):
            for call in self._calls:
                for each in call if isinstance(call, list) else [call]:
                    x = each(x)
            return x

    plan = surgery.fold_batchnorm(Private().eval())
    assert not plan


def test_plan_of_a_model_that_trains_by_now_is_not_applied():
    model = pair().eval()
    plan = surgery.fold_batchnorm(model)
    model.train()
    with pytest.raises(ModelError, match=r"call model.eval\(\) first\): make a new plan"):
        plan.apply()
    assert type(model[1]) is BatchNorm2d


@pytest.mark.parametrize("kind", [torch.nn.Conv1d, torch.nn.ConvTranspose1d])
def test_convolution_of_sequences_is_folded_only_where_an_example_shows_a_batch(kind):
    model = Sequential(kind(3, 5, 1), BatchNorm1d(5)).eval()
    torch.nn.init.uniform_(model[1].running_var, 0.5, 2.0)
    without_batch = torch.randn(3, 5)  # as long as there are channels: each takes a position's norm
    before = model(without_batch)
    for example in (None, without_batch):
        plan = surgery.fold_batchnorm(model, example)
        assert not plan
        assert "1d" in str(plan)
    assert torch.equal(model(without_batch), before)
    assert surgery.fold_batchnorm(model, torch.randn(2, 3, 5))
