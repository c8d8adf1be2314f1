"""What a forward computes with parameters by themselves is seen, and writing to them refused."""

import pytest
import torch
from torch.nn import BatchNorm2d, Conv2d, Module

from wolfsbane import surgery
from wolfsbane.surgery.graphs.tracing import read_graph


class Penalised(Module):
    """Returns the size of its weights too: a number, for a tracer, that was always there."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = Conv2d(3, 4, 1), BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.conv(x)), sum(p.pow(2).sum() for p in self.parameters())


def test_weights_in_a_penalty_are_used_outside_of_their_call():
    model = Penalised().eval()
    graph = read_graph(model, None, modes=(False,))
    assert {id(model.conv), id(model.norm)} <= graph.traces[0].touched
    assert not surgery.fold_batchnorm(model)


class Clamping(Module):
    """Keeps its weights in bounds, in two ways that a tracer does not see."""

    def __init__(self, by_data):
        super().__init__()
        self.conv, self.by_data = Conv2d(3, 4, 1), by_data

    def forward(self, x):
        for p in self.parameters():
            (p.data if self.by_data else p).clamp_(-0.01, 0.01)
        return self.conv(x)


@pytest.mark.parametrize("by_data", [True, False])
def test_reading_a_model_that_writes_to_its_parameters_leaves_them_alone(by_data):
    model = Clamping(by_data)
    before = model.conv.weight.detach().clone()
    graph = read_graph(model, None, modes=(True,))
    assert "its forward writes to its parameters" in graph.notes[0]
    torch.testing.assert_close(model.conv.weight, before, rtol=0, atol=0)
