# WB303 is seen by: run
"""The first epoch ends with a single sample."""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

x = torch.randn(33, 6)
y = (x.sum(dim=1) > 0).long()
train_loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True, drop_last=True)

net = nn.Sequential(nn.Linear(6, 10, bias=False), nn.BatchNorm1d(10), nn.ReLU(), nn.Linear(10, 2))
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.1)

for epoch in range(2):
    net.train()
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        criterion(net(inputs), targets).backward()
        optimizer.step()
