"""Layers that run one behind the other."""

from torch import nn

from wolfsbane.audit.model.layers import layers_of
from wolfsbane.audit.model.sequences import sequences
from wolfsbane.audit.model.view import ModelView


def paths(model):
    view = ModelView(model, layers_of(model))
    return [[layer.path for layer in layers] for layers in sequences(view)]


def test_a_sequential_within_another_is_a_part_of_it():
    inner = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh()))
    assert paths(nn.Sequential(nn.Linear(1, 1), inner, nn.Identity())) == [
        ["0", "1.0", "1.1.0", "2"]
    ]


def test_a_sequential_elsewhere_stands_for_itself():
    held = nn.ModuleDict({"a": nn.Sequential(nn.ReLU()), "b": nn.Sequential(nn.Tanh())})
    assert paths(held) == [["a.0"], ["b.0"]]


def test_a_layer_that_is_used_twice_is_there_twice():
    act = nn.ReLU()
    assert paths(nn.Sequential(act, nn.Linear(1, 1), act)) == [["0", "1", "0"]]


def test_a_subclass_with_a_forward_of_its_own_is_no_sequence():
    class Backwards(nn.Sequential):
        def forward(self, x):
            for layer in reversed(self):
                x = layer(x)
            return x

    assert paths(Backwards(nn.ReLU(), nn.Tanh())) == []
