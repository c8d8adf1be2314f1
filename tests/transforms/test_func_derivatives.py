"""torch.func: derivatives of the layers, gradients of each sample, ensembles of models."""

import copy

import pytest
import torch
from torch.func import functional_call, grad, jacrev, jvp, stack_module_state, vjp, vmap

from transforms.networks import P, layers, of_torch_itself, seeded
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import UnsupportedError

pytestmark = [*of_torch_itself]

NUM_MODELS = 3


def with_buffers_of_its_own(layer):
    """Return the layer as a function, whose running statistics no transformation can capture."""

    def function(x):
        buffers = {name: buffer.clone() for name, buffer in layer.named_buffers()}
        return functional_call(layer, buffers, (x,))

    return function


@layers
def test_derivatives_in_training_are_those_of_autograd(case):
    layer, x = case.make().double(), torch.randn(case.shape, dtype=torch.float64)
    function = with_buffers_of_its_own(layer)
    leaf = x.clone().requires_grad_()
    y, _ = seeded(layer, leaf)
    weights, along = torch.randn(2, *y.shape, dtype=torch.float64)
    (expected,) = torch.autograd.grad(y, leaf, weights)
    value, pull, _ = seeded(lambda x: vjp(function, x), x)
    torch.testing.assert_close(value, y.detach())
    torch.testing.assert_close(pull(weights)[0], expected)
    found, _ = seeded(grad(lambda x: (function(x) * weights).sum()), x)
    torch.testing.assert_close(found, expected)
    value, tangent, _ = seeded(lambda x: jvp(function, (x,), (along,)), x)
    torch.testing.assert_close(value, y.detach())
    torch.testing.assert_close((tangent * weights).sum(), (along * expected).sum())


def test_running_statistics_that_a_derivative_would_change_are_refused_as_in_torch():
    for layer in (torch.nn.BatchNorm1d(3), nn.BatchNorm1d(3), nn.BatchNormAct1d(3)):
        with pytest.raises(RuntimeError, match="mutate a captured Tensor"):
            grad(lambda x, layer=layer: layer(x).sum())(torch.randn(5, 3))


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(3), nn.BatchNormAct1d(3, p=0.5)])
def test_running_statistics_that_all_samples_would_change_are_refused_with_advice(layer):
    before = copy.deepcopy(layer.state_dict())
    with pytest.raises(UnsupportedError, match="stack_module_state"):
        vmap(layer, randomness="different")(torch.randn(4, 5, 3))
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name])


@layers
def test_derivatives_in_evaluation_are_those_of_autograd(case):
    layer, x = case.make().double().eval(), torch.randn(case.shape, dtype=torch.float64)
    weights, along = torch.randn(2, *layer(x).shape, dtype=torch.float64)
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(layer(leaf), leaf, weights)
    torch.testing.assert_close(grad(lambda x: (layer(x) * weights).sum())(x), expected)
    tangent = jvp(layer, (x,), (along,))[1]
    torch.testing.assert_close((tangent * weights).sum(), (along * expected).sum())


def test_jacobian_of_a_dropout_in_training_is_its_scaled_mask():
    x = torch.rand(4, 3) + 0.5
    jacobian, _ = seeded(jacrev(F.dropout), x)
    y, _ = seeded(F.dropout, x)
    assert torch.equal(jacobian.view(12, 12), (y / x).round().flatten().diag())


def mlp(p=P):
    return torch.nn.Sequential(
        torch.nn.Linear(6, 8, bias=False),
        nn.BiasActDropout(8, "silu", p),
        torch.nn.Linear(8, 4),
        nn.Dropout(p),
    )


def test_gradients_of_each_sample_are_those_of_a_loop():
    model, x = mlp(0.0), torch.randn(5, 6)
    parameters = dict(model.named_parameters())

    def loss(parameters, x):
        return functional_call(model, parameters, (x[None],)).square().sum()

    found = vmap(grad(loss), in_dims=(None, 0), randomness="different")(parameters, x)
    for index, sample in enumerate(x):
        expected = torch.autograd.grad(model(sample[None]).square().sum(), model.parameters())
        for grads, one in zip(found.values(), expected, strict=True):
            torch.testing.assert_close(grads[index], one)


def test_gradients_of_each_sample_add_up_to_that_of_the_mapped_batch():
    model, x = mlp(), torch.randn(5, 6)
    parameters = {name: value.detach() for name, value in model.named_parameters()}

    def loss(parameters, x):
        return functional_call(model, parameters, (x,)).square().sum()

    each, _ = seeded(
        lambda x: (vmap(grad(loss), in_dims=(None, 0), randomness="different")(parameters, x),), x
    )
    mapped = vmap(loss, in_dims=(None, 0), randomness="different")
    whole, _ = seeded(lambda x: (grad(lambda p: mapped(p, x).sum())(parameters),), x)
    for name, grads in each.items():
        torch.testing.assert_close(grads.sum(0), whole[name])


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("layer", ["BatchNorm1d", "BatchNormAct1d"])
def test_ensemble_trains_as_its_models_do_one_by_one(layer, momentum):
    torch.manual_seed(0)
    models = [
        torch.nn.Sequential(torch.nn.Linear(6, 8), getattr(nn, layer)(8, momentum=momentum))
        for _ in range(NUM_MODELS)
    ]
    alone = copy.deepcopy(models)
    parameters, buffers = stack_module_state(models)
    base = copy.deepcopy(models[0])
    call = vmap(lambda *state: functional_call(base, state[:2], (state[2],)), in_dims=(0, 0, None))
    for _ in range(3):
        x = torch.randn(7, 6)
        y = call(parameters, buffers, x)
        torch.testing.assert_close(y, torch.stack([model(x) for model in alone]))
    for index, model in enumerate(alone):
        for name, buffer in model.named_buffers():
            torch.testing.assert_close(buffers[name][index], buffer)
    y.square().sum().backward()
    for model in alone:
        model(x).square().sum().backward()
    for name, stacked in parameters.items():
        expected = torch.stack([model.get_parameter(name).grad for model in alone])
        torch.testing.assert_close(stacked.grad, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("randomness", ["same", "different"])
def test_ensemble_with_dropout_has_masks_as_its_randomness_says(randomness):
    torch.manual_seed(0)
    models = [mlp(0.5) for _ in range(NUM_MODELS)]
    state = stack_module_state(models)
    base = copy.deepcopy(models[0])
    call = vmap(
        lambda *state: functional_call(base, state[:2], (state[2],)),
        in_dims=(0, 0, None),
        randomness=randomness,
    )
    x = torch.randn(50, 6)
    y, _ = seeded(call, *state, x)
    dropped = y == 0
    assert torch.equal(dropped[0], dropped[1]) == (randomness == "same")
    if randomness == "same":
        for index, model in enumerate(models):
            torch.testing.assert_close(seeded(model, x)[0], y[index])
