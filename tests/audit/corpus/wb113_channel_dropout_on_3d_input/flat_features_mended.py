# WB113 is seen by: model, run
"""Dropout for vectors."""

import torch
import torch.nn as nn


def mlp(*sizes):
    for fan_in, fan_out in zip(sizes[:-2], sizes[1:-1]):
        yield nn.Linear(fan_in, fan_out)
        yield nn.ELU()
        yield nn.Dropout(p=0.25)
    yield nn.Linear(*sizes[-2:])


def fit(network, steps):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    criterion = nn.MSELoss()
    for _ in range(steps):
        x = torch.randn(20, 5)
        optimizer.zero_grad()
        criterion(network(x), x.sum(1, keepdim=True)).backward()
        optimizer.step()


torch.manual_seed(1)
model = nn.Sequential(*mlp(5, 16, 16, 1))
example_inputs = (torch.randn(8, 5),)
fit(model, 3)
