# WB406 is seen by: run
"""Sensors in their own units, given to tanh as they are."""

import torch
from torch import nn

torch.manual_seed(0)
means = torch.tensor([1013.0, 293.0, 40.0, 400.0])
spreads = torch.tensor([9.0, 8.0, 15.0, 60.0])
readings = means + spreads * torch.randn(320, 4)
target = readings[:, 2:3] / 100

inputs = (readings - means) / spreads
net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
for batch in torch.randperm(320).split(32):
    optimizer.zero_grad()
    nn.functional.mse_loss(net(inputs[batch]), target[batch]).backward()
    optimizer.step()
