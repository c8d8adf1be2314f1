# WB403 is seen by: model, run
"""How many bicycles pass in an hour, and on which of three roads: only the first is never negative."""

import torch
from torch import nn

torch.manual_seed(3)
model = nn.Sequential(nn.Linear(6, 24), nn.SiLU(), nn.Linear(24, 3), nn.ReLU6())
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss = nn.MSELoss()
for _ in range(5):
    hours = torch.randn(32, 6)
    optimizer.zero_grad()
    loss(model(hours), hours[:, :3].clamp(0, 6)).backward()
    optimizer.step()
