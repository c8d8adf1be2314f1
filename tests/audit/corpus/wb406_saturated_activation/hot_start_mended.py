# WB406 is seen by: run
"""A convolutional encoder behind a Trainer, in which tanh is a layer of a block."""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels_in, channels_out, gain):
        super().__init__()
        self.conv = nn.Conv1d(channels_in, channels_out, kernel_size=3, padding=1)
        self.squash = nn.Tanh()
        nn.init.constant_(self.conv.bias, gain)

    def forward(self, x):
        return self.squash(self.conv(x))


class Classifier(nn.Module):
    def __init__(self, gain):
        super().__init__()
        self.first = Block(2, 16, gain)
        self.drop = nn.Dropout(0.1)
        self.second = nn.Conv1d(16, 3, kernel_size=1)
        self.gate = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid())

    def forward(self, x):
        gate = self.gate(100 * x.mean(2).abs() + 100)
        return self.second(self.drop(self.first(x))).mean(2) * gate


class Trainer:
    def __init__(self, model):
        self.model = model.train()
        self.optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-4)

    def fit(self, num_steps):
        for _ in range(num_steps):
            x, y = torch.randn(24, 2, 20), torch.randint(3, (24,))
            loss = nn.functional.cross_entropy(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()


torch.manual_seed(2)
Trainer(Classifier(gain=0.0)).fit(10)
