# WB407 is seen by: run
"""A learnt scale is kept positive by writing into the parameter itself."""

import torch
from torch import nn


class Scale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(width))

    def forward(self, x):
        return x * self.scale.clamp(min=0.0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 12), nn.SiLU(), Scale(12), nn.Linear(12, 1))

    def forward(self, x):
        return self.layers(x)


class Fitter:
    def __init__(self, net):
        self.net, self.optimizer = net, torch.optim.SGD(net.parameters(), lr=0.1)

    def fit(self, x, y):
        for _ in range(3):
            self.optimizer.zero_grad()
            ((self.net(x) - y) ** 2).mean().backward()
            self.optimizer.step()
        return self


torch.manual_seed(3)
Fitter(Net()).fit(torch.randn(16, 6), torch.randn(16, 1))
