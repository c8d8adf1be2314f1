# WB304 is seen by: run
"""The usual loop: step after every fourth batch."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

accumulation_steps = 4
dataset = TensorDataset(torch.randn(48, 1, 8, 8), torch.randint(0, 3, (48,)))
loader = DataLoader(dataset, batch_size=2, shuffle=True)

model = nn.Sequential(
    nn.Conv2d(1, 4, 3, bias=False),
    nn.GroupNorm(2, 4),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(4, 3),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

model.train()
optimizer.zero_grad()
for i, (x, y) in enumerate(loader):
    loss = criterion(model(x), y) / accumulation_steps
    loss.backward()
    if (i + 1) % accumulation_steps == 0:
        optimizer.step()
        optimizer.zero_grad()
