# WB109 is seen by: source
"""A function that is called with a rate that drops."""

import torch.nn.functional as F
from torch import nn


class Critic(nn.Module):
    def __init__(self, num_inputs, width=64, dropout=0.0):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(num_inputs, width), nn.Linear(width, width)])
        self.value = nn.Linear(width, 1)
        self.extra = nn.Dropout(dropout)

    def forward(self, state):
        for layer in self.layers:
            state = F.dropout(
                F.softplus(layer(state)),
                p=0.2,
                training=self.training,
            )
        return self.value(self.extra(state))
