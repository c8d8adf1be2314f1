"""Layers that drop and have weights: their rate goes, they stay."""

import pytest
import torch

from wolfsbane import nn, surgery

LAYERS = {
    "DropConnect": (lambda: nn.DropConnect(4, 4), torch.ones(2, 4)),
    "WeightDrop": (lambda: nn.WeightDrop(torch.nn.Linear(4, 4), "weight"), torch.ones(2, 4)),
    "EmbeddingDropout": (lambda: nn.EmbeddingDropout(9, 4), torch.arange(9)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_removing_dropout_leaves_the_weights(name):
    make, x = LAYERS[name]
    model = torch.nn.Sequential(make())
    layer, expected = model[0], model.eval()(x)
    surgery.remove_dropout(model).apply()
    assert model[0] is layer
    assert torch.equal(model.train()(x), expected)


def test_concrete_dropout_gives_its_place_to_the_layer_inside():
    model = torch.nn.Sequential(nn.ConcreteDropout(torch.nn.Linear(4, 4), num_samples=10))
    wrapper, linear = model[0], model[0].module
    plan = surgery.remove_dropout(model)
    assert plan.keys == {
        "0.p_logit": None,
        "0.module.weight": "0.weight",
        "0.module.bias": "0.bias",
    }
    undo = plan.apply()
    assert model[0] is linear
    undo()
    assert model[0] is wrapper


def test_learned_rate_is_not_set():
    model = torch.nn.Sequential(nn.ConcreteDropout(torch.nn.Linear(4, 4), num_samples=10))
    plan = surgery.set_rates(model, 0.5)
    assert not plan
    assert "it is learned" in str(plan)


def test_layer_that_returns_more_than_its_input_stays():
    model = torch.nn.Sequential(nn.TokenDropout(0.5, return_indices=True))
    surgery.remove_dropout(model).apply()
    x = torch.randn(2, 6, 3)
    tokens, kept = model(x)
    assert torch.equal(tokens, x)
    assert kept is None  # as in evaluation
