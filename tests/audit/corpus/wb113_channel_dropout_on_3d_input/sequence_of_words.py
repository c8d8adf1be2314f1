# WB113 is seen by: model, run
"""Whole features of word vectors were to be dropped; it is whole words that are."""

import torch
from torch import nn


class Sentiment(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(60, 16)
        self.drop = nn.Dropout2d(0.2)
        self.rnn = nn.GRU(16, 16, batch_first=True)
        self.out = nn.Linear(16, 2)

    def forward(self, words):
        states, _ = self.rnn(self.drop(self.embed(words)))
        return self.out(states[:, -1])


torch.manual_seed(0)
model = Sentiment()
example_inputs = torch.randint(60, (4, 9))
optimizer = torch.optim.Adam(model.parameters())
for _ in range(3):
    words, labels = torch.randint(60, (16, 9)), torch.randint(2, (16,))
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(words), labels).backward()
    optimizer.step()
