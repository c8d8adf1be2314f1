# WB106 is seen by: source, run
"""A function's rate, computed nowhere: it comes down from a constant through two classes."""

import torch
import torch.nn.functional as F
from torch import nn, optim

NOISE = -0.2  # <- WB106


class Block(nn.Module):
    def __init__(self, width, rate):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.rate = rate

    def forward(self, x):
        update = F.gelu(self.linear(self.norm(x)))
        return x + F.dropout(update, p=self.rate, training=self.training)


class Tower(nn.Module):
    def __init__(self, depth=3, width=16):
        super().__init__()
        self.blocks = nn.ModuleList([Block(width, NOISE) for _ in range(depth)])
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def fit(net, steps):
    optimizer = optim.SGD(net.parameters(), lr=0.01)
    for _ in range(steps):
        x = torch.randn(24, 16)
        optimizer.zero_grad()
        F.mse_loss(net(x), x.sum(1, keepdim=True)).backward()
        optimizer.step()


if __name__ == "__main__":
    torch.manual_seed(1)
    fit(Tower(), steps=3)
