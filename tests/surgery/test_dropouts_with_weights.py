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
