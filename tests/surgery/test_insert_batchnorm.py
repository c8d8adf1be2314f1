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
