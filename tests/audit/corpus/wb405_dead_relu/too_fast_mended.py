# WB405 is seen by: run
"""A plain script whose learning rate is so high that the first step kills the hidden layer."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(192, 16) + 2
y = x[:, :1] * 3 + 10

model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(34):
    rows = torch.arange(step * 32, step * 32 + 32) % 192
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 10.0)
    optimizer.step()
