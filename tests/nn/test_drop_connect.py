"""DropConnect: the paper's masked weights; a Linear for all that takes one."""

import pytest
import torch

from wolfsbane import nn
from wolfsbane.errors import ArgumentTypeError
from wolfsbane.mask import draw_key, keep_mask, scale, shard


def by_the_paper(layer, x, p, key):
    """Return (M * W) x + b of Wan et al. 2013, equation 3, over the keep rate."""
    keep = keep_mask(layer.weight.shape, p, key).to(x.dtype)
    return x @ (keep * layer.weight * scale(p)).T + layer.bias


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_output_and_gradients_are_those_of_masked_weights(p):
    layer = nn.DropConnect(5, 7, dtype=torch.float64, p=p)
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    with torch.random.fork_rng(devices=[]):
        expected = by_the_paper(layer, x, p, draw_key())
    y, leaves = layer(x), (x, layer.weight, layer.bias)
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(
        torch.autograd.grad(y.square().sum(), leaves),
        torch.autograd.grad(expected.square().sum(), leaves),
    )


def test_derivatives_hold_to_second_order():
    layer = nn.DropConnect(3, 2, dtype=torch.float64, p=0.4)
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    leaves = (x, *(parameter.detach().requires_grad_() for parameter in layer.parameters()))

    def fixed(x, weight, bias):
        torch.manual_seed(1)
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))

    torch.autograd.gradcheck(fixed, leaves, check_forward_ad=True)
    torch.autograd.gradgradcheck(fixed, leaves)


def test_it_is_a_linear_layer_whose_weights_go_either_way():
    linear, layer = torch.nn.Linear(5, 7), nn.DropConnect(5, 7)
    layer.load_state_dict(linear.state_dict())
    x = torch.randn(3, 5)
    assert isinstance(layer, torch.nn.Linear)
    assert torch.equal(layer.eval()(x), linear(x))
    linear.load_state_dict(layer.state_dict())


@pytest.mark.parametrize("bias", [True, False])
def test_layer_made_of_a_linear_one_shares_its_parameters_and_mode(bias):
    linear = torch.nn.Linear(5, 7, bias=bias).eval()
    layer = nn.DropConnect.from_linear(linear, 0.3)
    assert layer.weight is linear.weight
    assert layer.bias is linear.bias
    assert (layer.training, layer.p) == (False, 0.3)
    with pytest.raises(ArgumentTypeError, match=r"got ReLU.*WeightDrop"):
        nn.DropConnect.from_linear(torch.nn.ReLU())


def test_rate_one_leaves_the_bias():
    layer = nn.DropConnect(3, 2, p=1.0)
    assert torch.equal(layer(torch.full((1, 3), 5.0))[0], layer.bias)


def test_all_processes_drop_the_same_weights():
    layer, outputs = nn.DropConnect(30, 30), []
    for rank in (0, 1):
        torch.manual_seed(2)
        with shard(rank, 2):
            outputs.append(layer(torch.ones(1, 30)))
    assert torch.equal(*outputs)


def test_rate_may_be_a_buffer():
    layer = nn.DropConnect(3, 2, p=torch.tensor(0.25))
    assert layer.p.item() == 0.25
    assert "p" not in layer.state_dict()
