# WB112 is seen by: source, model
"""A tagger of words; its logits go through a change of shape to the loss."""

import torch
import torch.nn.functional as F
from torch import nn


class Tagger(nn.Module):
    def __init__(self, vocabulary=50, width=12, num_tags=4):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.encode = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.emit = nn.Linear(2 * width, num_tags)
        self.dropout = nn.Dropout(0.5)

    def forward(self, words):
        states, _ = self.encode(self.embed(words))
        return self.emit(self.dropout(states))

    def loss(self, words, tags):
        logits = self(words)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), tags.view(-1))


def build():
    return Tagger()


model = build()
example_inputs = torch.randint(50, (2, 5))
