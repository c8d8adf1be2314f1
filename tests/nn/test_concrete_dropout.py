"""ConcreteDropout as a layer: the rate is learned, and what keeps it from falling to 0."""

import math

import numpy as np
import pytest
import torch

from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError


def concrete(module=None, **options):
    options = {"num_samples": 50, "p": 0.2, "length_scale": 0.3} | options
    return nn.ConcreteDropout(module or torch.nn.Linear(6, 4), **options)


def divergence(weight, p, length_scale, num_inputs, num_samples):
    """Return equations 3 and 4 of arXiv:1705.07832 over N; M = W / (1 - p) is not scaled up."""
    mean = weight.double() / (1 - p)
    entropy = -p * math.log(p) - (1 - p) * math.log(1 - p)
    return (length_scale**2 * (1 - p) / 2 * (mean**2).sum() - num_inputs * entropy) / num_samples


@pytest.mark.parametrize("p", [0.001, 0.2, 0.9])
@pytest.mark.parametrize(
    ("module", "num_inputs"),
    [(torch.nn.Linear(6, 4), 6), (torch.nn.Conv2d(3, 5, 2), 3), (torch.nn.Conv1d(4, 2, 3), 4)],
    ids=["Linear", "Conv2d", "Conv1d"],
)
def test_regulariser_is_the_paper_s_divergence(module, num_inputs, p):
    layer = concrete(module, p=p).double()
    expected = divergence(module.weight.detach(), p, 0.3, num_inputs, 50)
    torch.testing.assert_close(layer.regularisation().detach(), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_regulariser_of_half_precision_is_computed_in_float32(dtype):
    """In float16 the weights' part would be 0 for a usual N, or the sum of squares infinite."""
    module = torch.nn.Linear(64, 32)
    torch.nn.init.constant_(module.weight, 8.0)
    layer = concrete(module, num_samples=50_000, length_scale=1e-2).to(dtype)
    p = layer.p_logit.detach().double().sigmoid().item()
    expected = divergence(module.weight.detach(), p, 1e-2, 64, 50_000)
    found = layer.regularisation().detach()
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("number", [np.int64(50), np.float32(50)])
def test_number_of_samples_may_be_numpy_s(number):
    found = concrete(num_samples=number).regularisation()
    assert found.isfinite()


def test_derivatives_of_the_regulariser_hold():
    layer = concrete().double()

    def function(logit, weight):
        parameters = {"p_logit": logit, "module.weight": weight}
        return torch.func.functional_call(Regularised(layer), prefixed(parameters), ())

    leaves = (layer.p_logit, layer.module.weight)
    torch.autograd.gradcheck(function, tuple(leaf.detach().requires_grad_() for leaf in leaves))


class Regularised(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self):
        return self.layer.regularisation()


def prefixed(parameters):
    return {f"layer.{name}": value for name, value in parameters.items()}


@pytest.mark.parametrize("logit", [-80.0, 80.0])
def test_regulariser_is_finite_at_the_ends(logit):
    layer = concrete()
    with torch.no_grad():
        layer.p_logit.fill_(logit)
        layer.module.weight.zero_()
    layer.regularisation().backward()
    assert layer.p_logit.grad.isfinite()


def learned_rate(noise, steps=150):
    """Return the rate after training on targets that are the input's mean, or noise alone."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(concrete(torch.nn.Linear(6, 1), num_samples=200, length_scale=0.01))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    x = torch.randn(200, 6)
    target = torch.randn(200, 1) if noise else x.sum(1, keepdim=True) * 3
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(x) - target).square().mean() / 2 + model[0].regularisation()
        loss.backward()
        optimizer.step()
    return model[0].p


def test_rate_falls_where_inputs_tell_the_target_and_rises_where_they_do_not():
    assert learned_rate(noise=False) < 0.1
    assert learned_rate(noise=True) > 0.3


def test_whole_channels_share_a_decision_where_dimensions_are_broadcast():
    conv = torch.nn.Conv2d(8, 8, 1, groups=8, bias=False)
    torch.nn.init.ones_(conv.weight)
    y = concrete(conv, p=0.5, broadcast_dims=(2, 3))(torch.ones(2, 8, 5, 5))
    assert torch.equal(y, y[..., :1, :1].expand_as(y))
    assert len(y.unique()) > 1


def test_rate_is_read_and_written_as_a_number():
    layer = concrete(p=0.2)
    assert layer.p == pytest.approx(0.2)
    layer.p = 0.7
    assert layer.p_logit.item() == pytest.approx(math.log(0.7 / 0.3))
    assert [name for name, _ in layer.named_parameters()] == [
        "p_logit",
        "module.weight",
        "module.bias",
    ]
    with pytest.raises(ArgumentError, match="could not be learned"):
        layer.p = 1.0
    assert layer.p == pytest.approx(0.7)


def test_layer_on_meta_can_be_printed():
    assert "on meta" in repr(concrete(torch.nn.Linear(6, 4, device="meta")))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"p": 0.0}, ArgumentError, r"but got 0\.0, from where it could not be learned"),
        ({"p": 1.0}, ArgumentError, "could not be learned"),
        ({"num_samples": 0}, ArgumentError, "num_samples has to be a positive number"),
        ({"num_samples": "many"}, ArgumentTypeError, "num_samples has to be a positive number"),
        ({"length_scale": -1.0}, ArgumentError, "length_scale has to be a positive number"),
        ({"temperature": 0.0}, ArgumentError, "temperature"),
        ({"broadcast_dims": 1}, ArgumentTypeError, "broadcast_dims"),
        ({"module": torch.nn.ReLU()}, ModelError, "but got ReLU"),
        ({"module": torch.nn.Bilinear(2, 2, 2)}, ModelError, "but got Bilinear"),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        concrete(**options)
