"""Batch norm behind linear layers and convolutions: the bias becomes its beta."""

import copy

import pytest
import torch
from torch.nn import (
    BatchNorm1d,
    Conv2d,
    ConvTranspose1d,
    Linear,
    MultiheadAttention,
    ReLU,
    Sequential,
)

from wolfsbane import nn, surgery
from wolfsbane.errors import ArgumentError


def network():
    return Sequential(Linear(4, 8), ReLU(), Linear(8, 6), ReLU(), Linear(6, 2))


def test_all_layers_but_the_last_get_one():
    model = network()
    plan = surgery.insert_batchnorm(model)
    plan.apply()
    assert [hasattr(model[i], "inserted_norm") for i in (0, 2, 4)] == [True, True, False]
    assert "4  Linear" in str(plan)
    assert "the last layer: its output is the model's" in str(plan)


def test_output_in_evaluation_stays_to_a_factor_that_eps_sets():
    model = network().double()
    x = torch.randn(5, 4).double()
    linear = model[0](x)
    bias = model[0].bias.detach().clone()
    surgery.insert_batchnorm(model, after="0", eps=1e-3).apply()
    wanted = (linear - bias) / (1 + 1e-3) ** 0.5 + bias
    torch.testing.assert_close(model.eval()[0](x), wanted)


def test_training_normalises_over_all_but_the_features():
    model = Sequential(Linear(4, 8))
    surgery.insert_batchnorm(model, after=Linear).apply()
    output = model(torch.randn(6, 5, 4) * 3 + 1) - model[0].inserted_norm.bias
    torch.testing.assert_close(output.mean((0, 1)), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(output.var((0, 1), correction=0), torch.ones(8), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("layer", "shape", "kind"),
    [
        (Conv2d(3, 4, 3), (2, 3, 6, 6), nn.BatchNorm2d),
        (ConvTranspose1d(3, 4, 3), (2, 3, 6), nn.BatchNorm1d),
        (Linear(3, 4), (2, 3), nn.BatchNormLast),
    ],
)
def test_kind_of_norm_suits_the_layer(layer, shape, kind):
    model = Sequential(layer)
    surgery.insert_batchnorm(model, after="0").apply()
    assert type(layer.inserted_norm) is kind
    model(torch.randn(shape)).sum().backward()
    assert layer.inserted_norm.weight.grad is not None


def test_bias_becomes_beta_and_the_names_say_so():
    model = network()
    bias = model[0].bias
    names = set(model.state_dict())
    plan = surgery.insert_batchnorm(model, after="0")
    assert plan.keys == {"0.bias": "0.inserted_norm.bias"}
    undo = plan.apply()
    assert model[0].bias is None
    assert model[0].inserted_norm.bias is bias
    after = set(model.state_dict())
    assert after == (names - {"0.bias"}) | {"0.inserted_norm.bias", *plan.added_keys}
    undo()
    assert model[0].bias is bias
    assert set(model.state_dict()) == names


def test_layer_without_bias_gets_a_beta_of_zeros():
    model = Sequential(Linear(4, 3, bias=False))
    optimizer = torch.optim.SGD(model.parameters())
    plan = surgery.insert_batchnorm(model, after=Linear, optimizers=[optimizer])
    assert "0.inserted_norm.bias" in plan.added_keys
    plan.apply()
    assert torch.equal(model[0].inserted_norm.bias, torch.zeros(3))
    assert len(optimizer.param_groups[0]["params"]) == 3


def test_gamma_joins_the_optimizer_and_the_bias_keeps_its_momentum():
    model = network()
    groups = [{"params": model[:2].parameters()}, {"params": model[2:].parameters(), "lr": 0.5}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    model(torch.randn(8, 4)).sum().backward()
    optimizer.step()
    bias = model[0].bias
    momentum = optimizer.state[bias]["momentum_buffer"]
    undo = surgery.insert_batchnorm(model, optimizers=[optimizer]).apply()
    first, second = (group["params"] for group in optimizer.param_groups)
    assert any(p is model[0].inserted_norm.weight for p in first)
    assert any(p is model[2].inserted_norm.weight for p in second)
    assert optimizer.state[bias]["momentum_buffer"] is momentum
    trained = sum(len(group) for group in (first, second))
    assert trained == len(list(model.parameters()))
    undo()
    assert [len(group["params"]) for group in optimizer.param_groups] == [2, 4]


def test_tied_bias_stays_where_it_is_and_is_named():
    model = network()
    model.add_module("twin", Linear(4, 8))
    model.twin.bias = model[0].bias
    plan = surgery.insert_batchnorm(model, after="0")
    plan.apply()
    assert model[0].bias is model.twin.bias
    assert "another module has the same bias" in str(plan)


def test_norms_take_device_dtype_mode_and_requires_grad_of_their_layer():
    model = Sequential(Linear(4, 4).double().requires_grad_(requires_grad=False).eval())
    surgery.insert_batchnorm(model, after=Linear).apply()
    norm = model[0].inserted_norm
    assert norm.weight.dtype is norm.running_mean.dtype is torch.float64
    assert not norm.weight.requires_grad
    assert not norm.training


def test_layer_that_has_a_norm_already_is_left():
    model = Sequential(Linear(4, 4), BatchNorm1d(4), Linear(4, 4), ReLU(), Linear(4, 2))
    surgery.insert_batchnorm(model, after="2").apply()
    plan = surgery.insert_batchnorm(model)
    assert not plan
    assert str(plan).count("a norm follows it already") == 2


def test_what_cannot_take_one_is_left_and_named():
    model = Sequential(MultiheadAttention(4, 2), torch.nn.LazyLinear(3), ReLU(), Linear(3, 3))
    text = str(surgery.insert_batchnorm(model))
    assert "never calls it" in text
    assert "run one batch first" in text
    assert "neither a Linear nor" in str(surgery.insert_batchnorm(model, after=ReLU))


def test_aliased_layer_gets_one_norm_and_both_names_are_reported():
    layer = Linear(4, 4)
    model = Sequential(layer, ReLU(), layer, Linear(4, 2))
    plan = surgery.insert_batchnorm(model)
    plan.apply()
    assert {"0.bias", "2.bias"} == set(plan.keys)
    assert set(copy.deepcopy(model).state_dict()) == set(model.state_dict())


def test_bad_arguments_change_nothing():
    model = network()
    with pytest.raises(ArgumentError, match="eps must be positive"):
        surgery.insert_batchnorm(model, eps=0.0)
    assert model[0].bias is not None


class Residual(torch.nn.Module):
    """As torchvision's blocks: the norm is called behind the layer, and stands elsewhere."""

    def __init__(self):
        super().__init__()
        self.bn1 = torch.nn.BatchNorm2d(3)
        self.fc = Linear(3, 2)
        self.conv1 = Conv2d(3, 3, 1, bias=False)
        self.conv2 = Conv2d(3, 3, 1)

    def forward(self, input):
        hidden = self.conv2(torch.relu(self.bn1(self.conv1(input))))
        return self.fc(hidden.mean((2, 3)))


def test_norm_that_follows_by_the_forward_and_the_layer_that_ends_it_are_found():
    plan = surgery.insert_batchnorm(Residual())
    assert [change.path for change in plan.changes] == ["conv2", "conv2"]
    assert "conv1  Conv2d  a norm follows it already" in str(plan)
    assert "fc     Linear  the last layer: its output is the model's" in str(plan)


class FeaturesLast(Residual):
    def forward(self, input):
        return self.bn1(self.conv2(input).permute(0, 1, 3, 2))


def test_norm_that_follows_after_a_permutation_is_found():
    assert not surgery.insert_batchnorm(FeaturesLast(), after="conv2")


class Branching(Residual):
    def forward(self, input):
        return super().forward(input if len(input) < 100 else -input)


def test_example_shows_what_symbolic_tracing_cannot():
    blind = surgery.insert_batchnorm(Branching())
    seen = surgery.insert_batchnorm(Branching(), torch.randn(2, 3, 4, 4))
    assert "conv1" in [change.path for change in blind.changes]
    assert "no graph of the model was found" in str(blind)
    assert "conv1" not in [change.path for change in seen.changes]


class ConvNorm(Sequential):
    """As torchvision's Conv2dNormActivation."""


def test_norm_that_follows_in_a_sequential_of_another_class_is_found():
    model = Sequential(ConvNorm(Conv2d(3, 3, 1), torch.nn.BatchNorm2d(3)), ReLU())
    assert not surgery.insert_batchnorm(model, after=Conv2d)


def test_batch_norm_runs_before_a_dropout_that_was_inserted_there():
    model = network()
    surgery.insert_dropout(model, p=0.5, after="0").apply()
    surgery.insert_batchnorm(model, after="0").apply()
    # Behind batch norm and dropout: zeros. Batch norm behind the dropout would move them.
    assert (model[0](torch.randn(50, 4)) == 0).float().mean() > 0.3


@pytest.mark.parametrize(
    "computed", [torch.nn.utils.parametrizations.weight_norm, torch.nn.utils.spectral_norm]
)
def test_gamma_joins_the_group_of_a_weight_that_is_computed(computed):
    model = network()
    computed(model[0])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    surgery.insert_batchnorm(model, optimizers=[optimizer]).apply()
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert held == {id(parameter) for parameter in model.parameters()}


class Negative(torch.nn.Module):
    def forward(self, tensor):
        return -tensor


def test_layer_with_a_parametrized_bias_is_left_and_named():
    model = network()
    torch.nn.utils.parametrize.register_parametrization(model[0], "bias", Negative())
    assert "its bias is parametrized" in str(surgery.insert_batchnorm(model))


class AddsItsBias(Linear):
    def forward(self, input):
        return input @ self.weight.T + self.bias


def test_bias_stays_where_a_forward_of_its_own_may_read_it():
    model = Sequential(AddsItsBias(4, 8), Linear(8, 2))
    plan = surgery.insert_batchnorm(model, after="0")
    plan.apply()
    model(torch.randn(5, 4)).sum().backward()
    assert "the layer's own forward may read it: it stays" in str(plan)


def test_plan_made_in_inference_mode_or_on_another_default_device_can_be_trained():
    model = network()
    with torch.inference_mode(), torch.device("meta"):
        surgery.insert_batchnorm(model).apply()
    model(torch.randn(5, 4)).sum().backward()
    assert model[0].inserted_norm.weight.grad is not None


def test_new_parameters_that_no_optimizer_is_there_for_are_told():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert "2 parameters are new: pass optimizers=[...]" in str(surgery.insert_batchnorm(model))
    assert "optimizers" not in str(surgery.insert_batchnorm(model, optimizers=[optimizer]))


def test_lbfgs_begins_a_new_history():
    model = network()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=2)

    def closure():
        optimizer.zero_grad()
        loss = model(torch.ones(5, 4)).pow(2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    undo = surgery.insert_batchnorm(model, optimizers=[optimizer]).apply()
    optimizer.step(closure)
    undo()
    optimizer.step(closure)


class GroupedLinear(Linear):
    """Returns (N, groups, features): as many features as the Linear has, but not in one place."""

    def forward(self, input):
        return super().forward(input).unflatten(-1, (2, -1))


def test_linear_layer_with_a_forward_of_its_own_is_left_unless_it_is_named():
    model = Sequential(GroupedLinear(4, 8), Linear(4, 2))
    plan = surgery.insert_batchnorm(model)
    assert not plan
    assert "it has a forward of its own: name it in `after`" in str(plan)


class NamesTheBias(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.project = Linear(4, 8)

    def forward(self, input):
        return self.project(input) - self.project.bias.float()


def test_bias_stays_where_the_source_around_the_layer_names_it():
    model = Sequential(NamesTheBias(), Linear(8, 2))
    plan = surgery.insert_batchnorm(model)
    plan.apply()
    model(torch.randn(5, 4)).sum().backward()
    assert "the source around the layer names it: it stays" in str(plan)
