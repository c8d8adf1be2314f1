# WB113 is seen by: model, run
"""Pictures with two dimensions, and so Dropout2d: it drops whole channels."""

import torch
from torch import nn


class Features(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict(
            {
                "stem": nn.Conv2d(3, 6, 3),
                "drop": nn.Dropout2d(0.1),
                "next": nn.Conv2d(6, 6, 3),
            }
        )

    def forward(self, x):
        for layer in self.layers.values():
            x = torch.relu(layer(x))
        return x.amax((2, 3))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = Features()
        self.classify = nn.Linear(6, 3)

    def forward(self, x):
        return self.classify(self.features(x))


def main() -> nn.Module:
    torch.manual_seed(2)
    net, loss_of = Net(), nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
    for _ in range(3):
        loss_of(net(torch.randn(16, 3, 10, 10)), torch.randint(3, (16,))).backward()
        optimizer.step()
        optimizer.zero_grad()
    return net


model = main()
example_inputs = torch.randn(2, 3, 10, 10)
