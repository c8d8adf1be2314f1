# WB111 is seen by: source, model, run
"""Functions in forward: the dropout is followed by an activation, and by the norm."""

import torch
import torch.nn.functional as F
from torch import nn


class Tabular(nn.Module):
    def __init__(self, num_columns: int, width: int = 32):
        super().__init__()
        self.fc1 = nn.Linear(num_columns, width)
        self.bn1 = nn.BatchNorm1d(width)
        self.fc2 = nn.Linear(width, 1)

    def forward(self, x):
        h = self.fc1(x)
        h = F.dropout(h, p=0.5, training=self.training)  # <- WB111
        h = F.relu(h)
        h = self.bn1(h)
        return self.fc2(h)[:, 0]


def train(net, epochs=2):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(epochs):
        net.train()
        for _ in range(2):
            x = torch.randn(64, 10)
            loss = F.mse_loss(net(x), x[:, 0] - x[:, 1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


torch.manual_seed(1)
model = Tabular(10)
example_inputs = torch.randn(4, 10)
train(model)
