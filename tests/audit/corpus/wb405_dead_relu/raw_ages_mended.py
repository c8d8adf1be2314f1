# WB405 is seen by: run
"""Inputs of large mean: a trainer that forgets to standardise, and weights that start positive."""

import torch
from torch import nn


class Regressor(nn.Module):
    def __init__(self, num_inputs, num_hidden):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(num_inputs, num_hidden), nn.LayerNorm(num_hidden))
        self.project = nn.Linear(num_hidden, 48)
        self.act = nn.ReLU()
        self.out = nn.Linear(48, 1)

    def forward(self, x):
        hidden = self.encoder(x).tanh()
        return self.out(self.act(self.project(hidden) + self.offset(x)))

    def offset(self, x):
        return -x.mean(dim=1, keepdim=True)


class Trainer:
    def __init__(self, model, standardise):
        self.model = model
        self.standardise = standardise
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def prepare(self, ages):
        return (ages - ages.mean(0)) / ages.std(0) if self.standardise else ages

    def step(self, ages, incomes):
        loss = nn.functional.l1_loss(self.model(self.prepare(ages)), incomes)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


torch.manual_seed(2)
trainer = Trainer(Regressor(6, 32), standardise=True)
for _ in range(10):
    ages = 45 + 12 * torch.randn(32, 6)
    trainer.step(ages, ages[:, :1] / 50)
