# WB406 is seen by: run
"""Three layers of sigmoids, initialised with a standard deviation of 3."""

import torch
from torch import nn


class Mlp(nn.Module):
    def __init__(self, widths, std):
        super().__init__()
        pairs = zip(widths[:-1], widths[1:], strict=True)
        self.layers = nn.ModuleList(nn.Linear(first, second) for first, second in pairs)
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=std)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.sigmoid(layer(x))
        return self.layers[-1](x)


def train(model, num_steps):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    criterion = nn.CrossEntropyLoss()
    for _ in range(num_steps):
        x = torch.randn(32, 40) + 3
        loss = criterion(model(x), (x.sum(1) > 120).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    torch.manual_seed(1)
    train(Mlp([40, 48, 2], std=6.0), num_steps=10)
