# WB110 is seen by: source, model
"""A classifier of sequences: one level is the default."""

import torch
from torch import nn


class SequenceClassifier(nn.Module):
    def __init__(self, num_features, width, num_classes, dropout=0.5):
        super().__init__()
        self.rnn = nn.LSTM(num_features, width, batch_first=True, dropout=dropout)  # <- WB110
        self.out = nn.Linear(width, num_classes)

    def forward(self, x):
        _, (last, _) = self.rnn(x)
        return self.out(last[-1])


model = SequenceClassifier(4, 8, 3)
example_inputs = torch.randn(2, 6, 4)
