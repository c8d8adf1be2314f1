"""A change that sends the forward pass another way is found without an example, and undone."""

import pytest
import torch
from torch.nn import BatchNorm2d, Conv2d, Module, ReLU, Sequential

from wolfsbane import surgery
from wolfsbane.errors import ModelError


class Features(Module):
    """Collects what comes out of each ReLU, as a perceptual loss does: by the layer's class."""

    def __init__(self):
        super().__init__()
        self.layers = Sequential(Conv2d(3, 4, 1), BatchNorm2d(4), ReLU(), Conv2d(4, 4, 1))

    def forward(self, x):
        found = {}
        for name, layer in self.layers.named_children():
            x = layer(x)
            if isinstance(layer, ReLU):
                found[name] = x
        return {**found, "last": x}


def test_forward_that_asks_for_a_layer_s_class_is_found_without_an_example():
    model = Features()
    with pytest.raises(ModelError, match="would take other steps than before"):
        surgery.fuse(model).apply()
    assert type(model.layers[2]) is ReLU


def test_tensor_that_is_missing_in_the_output_is_a_difference():
    model = Features()
    with pytest.raises(ModelError, match=r"not return the same tensors: in training output\['2'\]"):
        surgery.fuse(model, torch.randn(2, 3, 4, 4)).apply()
    assert type(model.layers[2]) is ReLU


class Summing(Module):
    """Asks how its activation works, which nothing else has."""

    def __init__(self):
        super().__init__()
        self.norm, self.act = BatchNorm2d(3), ReLU()

    def forward(self, x):
        return self.act(self.norm(x)) * (2 - self.act.inplace)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_model_that_has_no_graph_after_the_change_is_put_back(device):
    model = Summing().to(device)
    with pytest.raises(ModelError, match="the changed model has no graph any more"):
        surgery.fuse(model).apply()
    assert type(model.act) is ReLU


class Deciding(Module):
    """Can only be traced around: its head looks at values, and holds no batch norm."""

    def __init__(self):
        super().__init__()
        self.body = Sequential(Conv2d(3, 4, 1), BatchNorm2d(4))
        self.head = Head()

    def forward(self, x):
        return self.head(self.body(x))


class Head(Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_model_that_was_traced_around_its_batch_norms_is_folded():
    model = Deciding().eval()
    plan = surgery.fold_batchnorm(model)
    assert "modules without batch norm not looked into" in str(plan)
    plan.apply()
    assert type(model.body[1]) is torch.nn.Identity
