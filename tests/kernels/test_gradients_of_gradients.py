"""A backward that is differentiated, where operands depend on one another or carry hooks."""

import pytest
import torch

from wolfsbane import functional as F


def batch_norm(x, weight, bias):
    return F.batch_norm(x, None, None, weight, bias, training=True)


def block(x, weight, bias):
    return F.batch_norm_act_dropout(x, None, None, weight, bias, training=True, activation="tanh")


def bias_block(x, weight, bias):
    return F.bias_act_dropout(x * weight, bias, "tanh", p=0.0)


blocks = pytest.mark.parametrize("function", [batch_norm, block, bias_block])


def first_order(function, dependent, create_graph):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(7, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    weight = torch.rand(3, dtype=torch.float64, generator=generator, requires_grad=True)
    bias = {"tied": weight, "scaled": 2 * weight, "mean": x.mean(0)}[dependent]
    loss = function(x, weight, bias).pow(3).sum()
    return torch.autograd.grad(loss, (x, weight), create_graph=create_graph)


@blocks
@pytest.mark.parametrize("dependent", ["tied", "scaled", "mean"])
def test_operands_that_depend_on_one_another_count_once(function, dependent):
    plain = first_order(function, dependent, create_graph=False)
    differentiable = first_order(function, dependent, create_graph=True)
    for one, other in zip(plain, differentiable, strict=True):
        assert torch.allclose(one, other, rtol=1e-10)


@blocks
def test_hook_of_an_operand_runs_once(function):
    x = torch.randn(7, 3, requires_grad=True)
    hidden, calls = x * 2, []
    hidden.register_hook(lambda _: calls.append("called"))
    loss = function(hidden, torch.ones(3), torch.zeros(3)).pow(3).sum()
    torch.autograd.grad(loss, x, create_graph=True)
    assert calls == ["called"]
