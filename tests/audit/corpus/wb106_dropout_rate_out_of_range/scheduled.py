# WB106 is seen by: run
"""A rate that grows with the steps, and is not stopped."""

import torch
from torch import nn

torch.manual_seed(3)
model = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Dropout(0.1), nn.Linear(24, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
objective = nn.CrossEntropyLoss()

for step in range(8):
    model[2].p = 0.1 + 0.2 * step
    inputs, labels = torch.randn(20, 6), torch.randint(2, (20,))
    optimizer.zero_grad()
    objective(model(inputs), labels).backward()
    optimizer.step()
