"""Activations are exchanged wherever they are held; what cannot be is named."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch.nn import ELU, GELU, Linear, PReLU, ReLU, Sequential, SiLU, Softplus
from torch.nn.functional import relu_

from wolfsbane import nn, surgery
from wolfsbane.errors import ArgumentError, ArgumentTypeError


class Functional(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.act = F.relu

    def forward(self, input):
        return F.relu(self.act(input))


def test_every_module_of_the_class_is_exchanged():
    shared = ReLU()
    model = Sequential(Linear(4, 4), shared, Linear(4, 4), shared, Sequential(ReLU(inplace=True)))
    surgery.swap_activation(model, {ReLU: SiLU}).apply()
    assert type(model[1]) is SiLU
    assert model[1] is model[3]
    assert model[4][0].inplace


def test_several_classes_are_exchanged_at_once_and_not_in_turn():
    model = Sequential(ReLU(), GELU())
    surgery.swap_activation(model, {ReLU: GELU, GELU: ReLU}).apply()
    assert [type(layer) for layer in model] == [GELU, ReLU]


def test_module_is_copied_for_each_place_and_a_function_is_given_the_old_one():
    model = Sequential(ReLU(), ReLU(), ELU(alpha=0.5))
    swaps = {ReLU: PReLU(init=0.1), ELU: lambda old: Softplus(beta=1 / old.alpha)}
    surgery.swap_activation(model, swaps).apply()
    assert model[0] is not model[1]
    assert model[0].weight is not model[1].weight
    assert model[2].beta == 2.0


def test_hooks_and_mode_go_over():
    model = Sequential(Linear(2, 2), ReLU())
    model[1].eval()
    calls = []
    handle = model[1].register_forward_hook(lambda *_: calls.append(1))
    surgery.swap_activation(model, {ReLU: GELU}).apply()
    model(torch.randn(3, 2))
    handle.remove()
    model(torch.randn(3, 2))
    assert calls == [1]
    assert not model[1].training


def test_new_parameters_join_the_group_of_the_layer_before_and_leave_again():
    model = Sequential(Linear(2, 2), ReLU(), Linear(2, 2), ReLU()).double()
    groups = [{"params": model[0].parameters()}, {"params": model[2].parameters()}]
    optimizer = torch.optim.Adam(groups)
    plan = surgery.swap_activation(model, {ReLU: PReLU}, optimizers=[optimizer])
    assert plan.added_keys == ["1.weight", "3.weight"]
    undo = plan.apply()
    for group, layer in zip(optimizer.param_groups, (1, 3), strict=True):
        assert group["params"][-1] is model[layer].weight
        assert model[layer].weight.dtype is torch.float64
    model(torch.randn(3, 2).double()).sum().backward()
    optimizer.step()
    undo()
    assert [len(group["params"]) for group in optimizer.param_groups] == [2, 2]
    assert len(optimizer.state) == 4


def test_parameters_that_go_leave_their_optimizer_and_come_back():
    model = Sequential(Linear(2, 2), PReLU())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.randn(3, 2)).sum().backward()
    optimizer.step()
    slope = model[1].weight
    plan = surgery.swap_activation(model, {PReLU: ReLU}, optimizers=[optimizer])
    assert plan.keys == {"1.weight": None}
    undo = plan.apply()
    assert slope not in optimizer.state
    assert len(optimizer.param_groups[0]["params"]) == 2
    undo()
    assert optimizer.param_groups[0]["params"][2] is slope
    assert slope in optimizer.state


def test_function_kept_as_an_attribute_is_exchanged():
    model = Functional()
    undo = surgery.swap_activation(model, {ReLU: GELU}).apply()
    assert model.act is F.gelu
    undo()
    assert model.act is F.relu
    undo = surgery.swap_activation(model, {ReLU: PReLU}).apply()
    assert list(model.state_dict()) == ["act.weight"]
    undo()
    assert model.act is F.relu
    assert not model.state_dict()


def test_what_a_forward_calls_by_name_is_named_as_left():
    text = str(surgery.swap_activation(Functional(), {ReLU: GELU}))
    assert "its forward calls F.relu by name" in text


@pytest.mark.parametrize("activation", ["relu", "gelu", GELU(approximate="tanh"), ELU()])
def test_transformer_computes_the_new_activation_in_its_fast_path_too(activation):
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True, activation="relu")
    wanted = {"relu": F.relu, "gelu": F.gelu}.get(activation, activation)
    truth = copy.deepcopy(layer)
    truth.activation, truth.activation_relu_or_gelu = wanted, 0
    new = {"relu": ReLU, "gelu": GELU}.get(activation, activation)
    surgery.swap_activation(layer, {ReLU: new}).apply()
    x = torch.randn(2, 5, 8)
    with torch.no_grad():
        torch.testing.assert_close(layer.eval()(x), truth.eval()(x))


def test_activation_of_a_block_is_exchanged_where_it_can_be_fused():
    model = Sequential(nn.BatchNormAct1d(4, "relu"), nn.BiasActDropout(4, "gelu", 0.0))
    plan = surgery.swap_activation(model, {ReLU: SiLU, GELU: Softplus})
    plan.apply()
    assert model[0].activation.name == "silu"
    assert model[1].activation.name == "gelu"
    assert "no fused kernel computes Softplus" in str(plan)


def test_subclass_is_left_and_named():
    class MyReLU(ReLU):
        pass

    model = Sequential(MyReLU())
    assert "name it to exchange it" in str(surgery.swap_activation(model, {ReLU: GELU}))
    surgery.swap_activation(model, {MyReLU: GELU}).apply()
    assert type(model[0]) is GELU


def test_undo_restores_the_very_objects():
    model = Sequential(ReLU(), Sequential(ReLU()))
    before = list(model.modules())
    surgery.swap_activation(model, {ReLU: PReLU}).apply()()
    assert all(a is b for a, b in zip(before, model.modules(), strict=True))


@pytest.mark.parametrize("swaps", [{}, ReLU, {ReLU: "gelu"}, {"relu": GELU}, {int: GELU}])
def test_bad_swaps_are_explained(swaps):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=r"swaps has to map classes"):
        surgery.swap_activation(Sequential(ReLU()), swaps)


def test_function_that_makes_no_module_is_explained():
    with pytest.raises(ArgumentTypeError, match="successor of ReLU has to be a module"):
        surgery.swap_activation(Sequential(ReLU()), {ReLU: lambda old: F.gelu})


def test_fast_path_of_an_encoder_layer_with_a_module_follows():
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, activation=ReLU(), batch_first=True).eval()
    undo = surgery.swap_activation(layer, {ReLU: SiLU}).apply()
    x = torch.randn(2, 3, 8)
    slow = layer(x)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), slow)
    undo()
    assert layer.activation_relu_or_gelu == 1


class Twice(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Linear(2, 2)
        self.first = F.relu
        self.second = F.relu

    def forward(self, input):
        return self.second(self.inner(self.first(input)))


def test_parameters_of_every_function_s_successor_join_the_optimizer():
    model = Twice()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    surgery.swap_activation(model, {ReLU: PReLU}, optimizers=[optimizer]).apply()
    assert len(optimizer.param_groups[0]["params"]) == len(list(model.parameters())) == 4


def test_new_parameters_join_the_nearest_that_is_trained():
    model = Sequential(Linear(2, 2), Linear(2, 2).requires_grad_(False), ReLU())
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)
    surgery.swap_activation(model, {ReLU: PReLU}, optimizers=[optimizer]).apply()
    assert optimizer.param_groups[0]["params"][-1] is model[2].weight


def test_dropout_attached_behind_an_activation_goes_on_behind_the_new_one():
    model = Sequential(PReLU())
    first = surgery.insert_dropout(model, p=0.5, after=PReLU).apply()
    second = surgery.swap_activation(model, {PReLU: SiLU}).apply()
    # 2000 elements: outside of these bounds with a probability below 1e-15.
    assert 0.4 < (model(torch.rand(20, 100) + 1) == 0).float().mean() < 0.6
    second()
    first()
    assert (model(torch.rand(20, 100) + 1) != 0).all()


def test_class_that_needs_arguments_is_explained():
    with pytest.raises(ArgumentTypeError, match="Threshold needs threshold, value"):
        surgery.swap_activation(Sequential(ReLU()), {ReLU: torch.nn.Threshold})


def test_new_activation_made_in_inference_mode_or_on_another_default_device_can_be_trained():
    model = Sequential(Linear(2, 2), ReLU())
    with torch.inference_mode(), torch.device("meta"):
        surgery.swap_activation(model, {ReLU: PReLU}).apply()
    model(torch.randn(3, 2)).sum().backward()
    assert model[1].weight.grad is not None


class ByMethods(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.relu = SiLU()
        self.inner = Linear(2, 2)

    def forward(self, input):
        return self._inside(self.relu(input))


class Method(ByMethods):
    def _inside(self, input):
        return self.inner(input).relu()


class BareName(ByMethods):
    def _inside(self, input):
        return relu_(self.inner(input))


class OwnModule(ByMethods):
    def _inside(self, input):
        return self.inner(input)


@pytest.mark.parametrize(
    ("made", "shown"), [(Method, ".relu"), (BareName, "relu_"), (OwnModule, "")]
)
def test_call_of_a_tensor_s_method_or_an_imported_function_is_named(made, shown):
    text = str(surgery.swap_activation(made(), {ReLU: GELU}))
    assert (f"{shown} by name" in text) == bool(shown)
