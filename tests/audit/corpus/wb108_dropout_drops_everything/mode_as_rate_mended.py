# WB108 is seen by: source
"""The function's second argument is the rate, and not the mode."""

import torch.nn.functional as F
from torch import nn


class Regressor(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(width, width)
        self.last = nn.Linear(width, 1)

    def features(self, x):
        x = F.elu(self.first(x))
        return F.dropout(x, training=self.training)

    def forward(self, x):
        return self.last(self.features(x)).squeeze(-1)
