# WB108 is seen by: source, model
"""A function with a rate of 1 deep in a tree of modules."""

import torch
from torch import nn
from torch.nn import functional as fn


class Gate(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.value, self.gate = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        value = fn.dropout(self.value(x), 1.0, self.training)  # <- WB108
        return x + value * torch.sigmoid(self.gate(x))


class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.gates = nn.Sequential(*(Gate(6) for _ in range(2)))
        self.out = nn.Linear(6, 2)

    def forward(self, x):
        return self.out(self.gates(x))


model, example_inputs = Stack(), torch.randn(4, 6)
