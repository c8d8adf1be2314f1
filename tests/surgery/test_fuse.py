"""Batch norm, activation and dropout become one layer, where that is safe, and compute the same."""

import copy

import pytest
import torch
from torch.nn import (
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Identity,
    Linear,
    Module,
    ReLU,
    Sequential,
)

from wolfsbane import nn, surgery
from wolfsbane.errors import ModelError


def images(*shape, dtype=torch.float32):
    return torch.randn(shape or (4, 3, 9, 9), dtype=dtype)


def learned(model):
    """Give batch norms weights and statistics as after training."""
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            if module.affine:
                torch.nn.init.uniform_(module.weight, 0.5, 2.0)
                torch.nn.init.normal_(module.bias)
            if module.track_running_stats:
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2.0)
    return model


def network(act=None, drop=None):
    act = ReLU() if act is None else act
    layers = [Conv2d(3, 8, 3), BatchNorm2d(8), act, drop, Conv2d(8, 4, 3)]
    return learned(Sequential(*(layer for layer in layers if layer is not None)))


def run(model, x, seed=3):
    torch.manual_seed(seed)
    return model(x)


def reasons(plan):
    return {kept.path: kept.why for kept in plan.kept}


@pytest.mark.parametrize(
    "act",
    [
        ReLU(inplace=True),
        torch.nn.LeakyReLU(0.2),
        torch.nn.ELU(0.7),
        torch.nn.GELU("tanh"),
        torch.nn.Hardswish(),
    ],
    ids=lambda act: type(act).__name__,
)
def test_fused_layer_computes_what_the_chain_computed(act):
    model = network(act, nn.Dropout(0.3))
    truth = copy.deepcopy(model).double()
    stock = copy.deepcopy(model)
    x = images()
    undo = surgery.fuse(model, x).apply()
    assert [type(layer) for layer in model[1:4]] == [nn.BatchNormAct2d, Identity, Identity]
    for training in (True, False):
        for each in (model, truth, stock):
            each.train(training)
        expected = run(truth, x.double())
        found, unfused = run(model, x), run(stock, x)
        # Twice the unfused chain's own error, and eight roundings of the largest element.
        floor = 8 * torch.finfo(x.dtype).eps * expected.abs().max()
        assert (found - expected).abs().max() <= 2 * (unfused - expected).abs().max() + floor
    for name, value in truth.named_buffers():
        torch.testing.assert_close(
            model.get_buffer(name).double(), value.double(), rtol=1e-5, atol=1e-5
        )
    assert "training and evaluation: outputs differ by at most" in undo.notes[0]


def test_masks_are_those_of_our_dropout_for_the_same_seed():
    # After a sigmoid nothing is zero but what was dropped.
    model = Sequential(BatchNorm1d(7), torch.nn.Sigmoid(), nn.Dropout(0.4))
    before = run(model, torch.ones(64, 7)) == 0
    surgery.fuse(model).apply()
    after = run(model, torch.ones(64, 7)) == 0
    assert before.any()
    assert torch.equal(after, before)


def test_torch_s_dropout_gets_the_masks_of_ours_and_the_plan_says_so():
    model = network(drop=Dropout(0.4))
    plan = surgery.fuse(model, images())
    assert "masks of torch.nn.Dropout become those of wolfsbane.nn.Dropout" in str(plan)
    converted = copy.deepcopy(model)
    surgery.convert(converted).apply()
    plan.apply()
    x = images()
    torch.testing.assert_close(run(model, x), run(converted, x))
    assert model[1].p == 0.4


def test_parameters_buffers_names_and_hooks_elsewhere_stay():
    model = network(drop=Dropout(0.1)).double()
    model[1].weight.requires_grad_(False)
    before = {name: id(value) for name, value in model.state_dict(keep_vars=True).items()}
    parts = list(model.modules())
    undo = surgery.fuse(model, images(dtype=torch.float64)).apply()
    assert {name: id(v) for name, v in model.state_dict(keep_vars=True).items()} == before
    assert not undo.plan.keys
    assert undo() is model
    assert all(a is b for a, b in zip(parts, model.modules(), strict=True))


def test_the_check_puts_the_model_s_state_back_exactly():
    generator = torch.Generator().manual_seed(5)
    model = network(drop=nn.Dropout(0.2, generator=generator))
    model[4].eval()
    run(model, images()).sum().backward()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    grads = [p.grad.clone() for p in model.parameters()]
    flags = [module.training for module in model]
    own = generator.get_state()
    x = images()
    original = x.clone()
    random = torch.random.get_rng_state()
    surgery.fuse(model, x).apply()
    assert all(torch.equal(model.state_dict()[name], state[name]) for name in state)
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), grads, strict=True))
    assert [module.training for module in model] == flags
    assert torch.equal(torch.random.get_rng_state(), random)
    assert torch.equal(generator.get_state(), own)
    assert torch.equal(x, original)
    assert model[1].generator is generator


class Block(Module):
    """As in ResNet: one ReLU for both places, the second batch norm adds a residual."""

    def __init__(self, *, shares):
        super().__init__()
        self.conv1, self.bn1 = Conv2d(3, 3, 1), BatchNorm2d(3)
        self.conv2, self.bn2 = Conv2d(3, 3, 1), BatchNorm2d(3)
        self.relu = ReLU(inplace=True)
        self.last = self.relu if shares else ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        return self.last(self.bn2(self.conv2(y)) + x)


def test_relu_that_is_shared_is_left_with_its_reason():
    plan = surgery.fuse(Block(shares=True), images())
    assert not plan
    assert "its output goes to ReLU (relu), which is called 2 times" in reasons(plan)["bn1"]
    assert "its output goes to add, which is no module" in reasons(plan)["bn2"]


def test_relu_of_its_own_is_fused_in_a_residual_block():
    model = learned(Block(shares=False))
    surgery.fuse(model, images()).apply()
    assert type(model.bn1) is nn.BatchNormAct2d
    assert type(model.bn2) is BatchNorm2d
    assert type(model.last) is ReLU


class Functional(Module):
    def __init__(self):
        super().__init__()
        self.norm = BatchNorm2d(3)

    def forward(self, x):
        return torch.nn.functional.relu(self.norm(x))


def test_activation_that_is_a_function_is_left_with_its_reason():
    assert "goes to relu, which is no module" in reasons(surgery.fuse(Functional()))["norm"]


def test_output_that_is_used_twice_is_left_with_its_reason():
    class Twice(Block):
        def forward(self, x):
            y = self.bn1(x)
            return self.relu(y), y

    assert "used 2 times" in reasons(surgery.fuse(Twice(shares=False)))["bn1"]


@pytest.mark.parametrize("place", [1, 2, 3])
def test_chain_in_different_modes_is_left_with_its_reason(place):
    model = network(drop=Dropout(0.1))
    model[place].eval()
    plan = surgery.fuse(model)
    assert "different modes" in " ".join(reasons(plan).values())
    assert all("BatchNorm2d: training" in c.before or place == 3 for c in plan.changes)


@pytest.mark.parametrize("place", [1, 2])
def test_hook_that_sees_what_is_between_is_a_reason(place):
    model = network()
    handle = model[place].register_forward_hook(lambda *_: None)
    assert "a hook on" in reasons(surgery.fuse(model))["1"]
    handle.remove()
    assert surgery.fuse(model)


def test_hook_on_a_container_that_ends_between_is_a_reason():
    model = Sequential(Sequential(Conv2d(3, 3, 1), BatchNorm2d(3)), ReLU())
    handle = model[0].register_forward_hook(lambda *_: None)
    assert "a hook on Sequential (0)" in reasons(surgery.fuse(model))["0.1"]
    handle.remove()
    model.register_forward_hook(lambda *_: None)
    assert surgery.fuse(model)


def test_dropout_of_channels_stays_behind_the_fused_layer():
    model = network(drop=torch.nn.Dropout2d(0.1))
    plan = surgery.fuse(model, images())
    assert "element-wise" in reasons(plan)["3"]
    plan.apply()
    assert type(model[1]) is nn.BatchNormAct2d
    assert type(model[3]) is torch.nn.Dropout2d


class Interleaved(Module):
    """Another dropout draws its mask between the batch norm and the chain's own dropout."""

    def __init__(self):
        super().__init__()
        self.norm, self.act, self.drop = BatchNorm1d(4), ReLU(), nn.Dropout(0.5)
        self.other = nn.Dropout(0.5)

    def forward(self, x):
        y = self.norm(x)
        z = self.other(x)
        return self.drop(self.act(y)) + z


def test_dropout_whose_mask_is_drawn_in_another_order_is_left():
    model = Interleaved()
    x = torch.randn(16, 4)
    expected = run(copy.deepcopy(model), x)
    plan = surgery.fuse(model, x)
    assert "in another order" in reasons(plan)["drop"]
    plan.apply()
    assert type(model.norm) is nn.BatchNormAct1d
    torch.testing.assert_close(run(model, x), expected)


def test_dropout_whose_rate_is_a_tensor_is_left():
    model = network(drop=nn.Dropout(torch.tensor(0.1)))
    assert "its rate is a tensor" in reasons(surgery.fuse(model))["3"]


def test_classes_of_their_own_are_left():
    class Mine(BatchNorm2d):
        def forward(self, x):
            return x

    class Act(ReLU):
        pass

    model = Sequential(Mine(3), ReLU(), BatchNorm2d(3), Act(), torch.nn.SyncBatchNorm(3), ReLU())
    model.extend([BatchNorm2d(3), torch.nn.Softplus()])
    why = reasons(surgery.fuse(model))
    assert "Mine is a class of its own" in why["0"]
    assert "its output goes to relu, which is no module" in why["2"]
    assert "SyncBatchNorm has no fused form" in why["4"]
    assert "followed by Softplus, not by an activation" in why["6"]


def test_batch_norm_of_several_dtypes_is_left():
    model = network()
    model[1].running_mean = model[1].running_mean.double()
    assert "several dtypes or devices" in reasons(surgery.fuse(model))["1"]


def test_module_in_a_plain_list_is_a_reason():
    model = network()
    model.acts = [model[2]]
    assert "a plain list or attribute also refers to ReLU" in reasons(surgery.fuse(model))["1"]


def test_layers_of_one_and_three_dimensions_and_without_statistics_are_fused():
    model = Sequential(
        Linear(4, 6),
        nn.BatchNorm1d(6, affine=False, momentum=None),
        torch.nn.Tanh(),
        Dropout(0.2),
        torch.nn.Unflatten(1, (6, 1, 1, 1)),
        torch.nn.BatchNorm3d(6, track_running_stats=False),
        torch.nn.Mish(),
    )
    assert len(surgery.fuse(model, torch.randn(5, 4)).apply().plan) == 5
    assert [type(model[i]) for i in (1, 5)] == [nn.BatchNormAct1d, nn.BatchNormAct3d]


def test_chains_are_found_by_torch_export_where_torch_fx_fails():
    class Checked(Sequential):
        def forward(self, x):
            if x.shape[1] != 3:
                raise ValueError
            return super().forward(x)

    model = Checked(*network(drop=Dropout(0.1)))
    assert not surgery.fuse(model)
    plan = surgery.fuse(model, images())
    assert "found by torch.export" in str(plan)
    plan.apply()
    assert type(model[1]) is nn.BatchNormAct2d


def test_example_with_which_training_is_impossible_is_explained_and_nothing_changes():
    model = Sequential(Linear(4, 4), BatchNorm1d(4), ReLU())
    plan = surgery.fuse(model, torch.randn(1, 4))
    with pytest.raises(ModelError, match=r"does not run in training .* more than one value"):
        plan.apply()
    assert type(model[1]) is BatchNorm1d


class Sliced(Module):
    """No graph (it looks at values), and it takes a Sequential apart."""

    def __init__(self):
        super().__init__()
        self.layers = learned(Sequential(Linear(4, 4), BatchNorm1d(4), ReLU()))

    def forward(self, x):
        linear, norm, _ = self._modules["layers"]
        before = norm(linear(x))
        return self.layers(x) + before if x.sum() != 0 else before


def test_change_that_the_example_proves_wrong_is_rolled_back_and_explained():
    model = Sliced()
    plan = surgery.fuse(model, torch.randn(8, 4))
    assert "only neighbours in torch.nn.Sequential" in str(plan)
    with pytest.raises(ModelError, match=r"the model would not compute the same: in .* differs by"):
        plan.apply()
    assert type(model.layers[1]) is BatchNorm1d
    assert type(model.layers[2]) is ReLU


class Asking(Module):
    """Asks its activation for something that an Identity does not have."""

    def __init__(self):
        super().__init__()
        self.norm, self.act = BatchNorm2d(3), ReLU()

    def forward(self, x):
        return self.act(self.norm(x)) * (2 - self.act.inplace)


def test_model_that_no_longer_runs_is_rolled_back_and_explained():
    model = Asking()
    with pytest.raises(ModelError, match="would not run in training after the change"):
        surgery.fuse(model, images()).apply()
    assert type(model.act) is ReLU


class Spectrum(Sequential):
    """A complex output."""

    def forward(self, x):
        return torch.fft.fft(super().forward(x))


def test_complex_outputs_are_compared():
    model = Spectrum(*network())
    assert "outputs differ by at most" in surgery.fuse(model, images()).apply().notes[0]


def test_output_without_a_tensor_is_explained():
    class Answer(Sequential):
        def forward(self, x):
            return str(super().forward(x).shape)

    with pytest.raises(ModelError, match="no tensor was found in its output, a str: pass no"):
        surgery.fuse(Answer(BatchNorm2d(3), ReLU()), images()).apply()


def test_each_chain_is_checked_without_an_example():
    model = network()
    plan = surgery.fuse(model)
    plan.changes[0].new.eps = 3e-4  # of a variance of about one: the fourth digit differs
    with pytest.raises(ModelError, match="the chain at 1 would not compute the same"):
        plan.apply()
    assert type(model[1]) is BatchNorm2d


def test_training_goes_on_with_the_same_optimizer():
    model = network(drop=nn.Dropout(0.2))
    twin = copy.deepcopy(model)
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9) for m in (model, twin)]
    surgery.fuse(model, images(), optimizers=optimizers[:1]).apply()
    x = images()
    for net, optimizer in zip((model, twin), optimizers, strict=True):
        for seed in range(3):
            optimizer.zero_grad()
            run(net, x, seed).pow(2).mean().backward()
            optimizer.step()
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_fusing_twice_finds_nothing_more():
    model = network()
    surgery.fuse(model).apply()
    assert str(surgery.fuse(model)).startswith("fuse (Sequential): nothing to change")


def test_half_precision_is_held_to_its_own_rounding():
    model = network().to(torch.bfloat16)
    undo = surgery.fuse(model, images(dtype=torch.bfloat16)).apply()
    assert type(undo.model[1]) is nn.BatchNormAct2d


def test_model_on_the_meta_device_is_fused_unchecked():
    model = network().to("meta")
    undo = surgery.fuse(model).apply()
    assert "not checked" in undo.notes[0]


class Flagged(Module):
    """Returns features where it is asked to: what the default does not use twice, that does."""

    def __init__(self):
        super().__init__()
        self.norm, self.act = BatchNorm2d(3), ReLU()

    def forward(self, x, features=False, scale=None):
        normed = self.norm(x)
        return normed if features else self.act(normed) * (1 if scale is None else scale)


@pytest.mark.parametrize("example", [None, images()], ids=["no example", "example"])
def test_flag_of_forward_is_read_both_ways_and_other_defaults_are_told(example):
    plan = surgery.fuse(Flagged(), example)
    assert not plan
    assert "its output goes to the model's output" in reasons(plan)["norm"]
    assert "it was read with the defaults of forward's scale, and holds for these" in str(plan)


def test_flag_that_the_example_gives_stays():
    plan = surgery.fuse(Flagged(), {"x": images(), "features": False})
    assert len(plan) == 2


def compiled_alone(model):
    model[1].compile(backend="eager")


def prepared(model):
    model[2].qconfig = object()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (compiled_alone, "BatchNorm2d: it was compiled by itself"),
        (prepared, "ReLU: it is prepared for quantisation"),
    ],
)
def test_layer_that_does_more_than_its_class_says_is_left(spoil, why):
    model = network()
    spoil(model)
    assert why in reasons(surgery.fuse(model))["1"]


def in_evaluation(model):
    model[1].eval()


def hooked(model):
    model[1].register_forward_hook(lambda *_: None)


def other_rate(model):
    model[3].p = 0.5


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (in_evaluation, "has changed since the plan .*different modes.* make a new plan"),
        (hooked, "has changed since the plan .*a hook on BatchNorm2d.* make a new plan"),
        (other_rate, "would not compute the same"),
    ],
)
def test_plan_that_is_out_of_date_is_not_applied(change, why):
    model = network(drop=Dropout(0.1))
    plan = surgery.fuse(model)
    change(model)
    with pytest.raises(ModelError, match=why):
        plan.apply()
    assert type(model[1]) is BatchNorm2d
