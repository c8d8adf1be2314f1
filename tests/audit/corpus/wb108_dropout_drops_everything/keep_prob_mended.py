# WB108 is seen by: source, model
"""A rate that was meant as keep_prob: keep everything."""

import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)
        self.conv2 = nn.Conv2d(8, 8, 3)
        self.drop = nn.Dropout2d(p=0.1)
        self.head = nn.Linear(8, 4)

    def forward(self, images):
        x = torch.relu(self.conv1(images))
        x = torch.relu(self.conv2(self.drop(x)))
        return self.head(x.mean((2, 3)))


model = Encoder()
example_inputs = torch.randn(2, 1, 12, 12)
