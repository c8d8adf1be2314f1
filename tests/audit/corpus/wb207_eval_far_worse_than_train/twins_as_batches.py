# WB207 is seen by: run
"""A trainer class whose batches are pairs of one person: batch norm compares the two."""

import torch
from torch import nn


class Pairs(torch.utils.data.Dataset):
    def __init__(self, people):
        generator = torch.Generator().manual_seed(2)
        self.first = torch.randn(2, 10, generator=generator)
        self.person = 4 * torch.randn(people, 1, 10, generator=generator)
        self.noise = torch.randn(people, 2, 10, generator=generator) / 2

    def __len__(self):
        return len(self.person)

    def __getitem__(self, index):
        return self.person[index] + self.first + self.noise[index], torch.arange(2)


class Classifier(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(10, width), nn.BatchNorm1d(width), nn.ReLU())
        self.more = nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU())
        self.out = nn.Linear(width, 2)

    def forward(self, x):
        return self.out(self.more(self.features(x)))


class Trainer:
    def __init__(self, model, pairs_a_batch):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        self.loader = torch.utils.data.DataLoader(Pairs(130 * pairs_a_batch), pairs_a_batch)

    def fit(self):
        for x, y in self.loader:
            loss = nn.functional.cross_entropy(self.model(x.flatten(0, 1)), y.flatten())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()


torch.manual_seed(3)
Trainer(Classifier(), pairs_a_batch=1).fit()
