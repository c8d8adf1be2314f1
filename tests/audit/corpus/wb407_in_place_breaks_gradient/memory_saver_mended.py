# WB407 is seen by: run
"""To save memory, every activation is made in-place, also behind one that needs its result."""

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.act = nn.ReLU()
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        weights = (self.query(x) @ self.key(x).transpose(-2, -1)).softmax(-1)
        return self.act(self.drop(weights) @ x)


class Encoder(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.attention = Attention(width)
        self.head = nn.Linear(width, 2)

    def forward(self, x):
        return self.head(self.attention(x).mean(1))


def save_memory(model):
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = True


torch.manual_seed(0)
encoder = Encoder()
save_memory(encoder)
optimizer = torch.optim.SGD(encoder.parameters(), lr=0.1)
for _ in range(3):
    loss = nn.functional.cross_entropy(encoder(torch.randn(4, 5, 8)), torch.randint(2, (4,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
