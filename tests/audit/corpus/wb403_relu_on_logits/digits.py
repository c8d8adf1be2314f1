# WB403 is seen by: source, model, run
"""Ten digits: the stack of layers that a beginners' tutorial once showed."""

import torch
from torch import nn


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.stack = nn.Sequential(
            nn.Linear(64, 32),
            nn.ReLU(),
            nn.Linear(32, 10),
            nn.ReLU(),  # <- WB403
        )

    def forward(self, x):
        x = self.flatten(x)
        return self.stack(x)


def train(batches, network, loss_fn, optimizer):
    network.train()
    for x, y in batches:
        pred = network(x)
        batch_loss = loss_fn(pred, y)
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()


torch.manual_seed(0)
model = Digits()
loss = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
example_inputs = (torch.rand(2, 8, 8),)
digits = [(torch.rand(32, 8, 8), torch.randint(10, (32,))) for _ in range(5)]
train(digits, model, loss, optimizer)
