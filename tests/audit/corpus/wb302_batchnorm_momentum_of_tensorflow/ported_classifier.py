# WB302 is seen by: source, model
"""A network that was ported from Keras, its constants with it."""

import torch
from torch import nn

BN_DECAY = 0.99
BN_EPSILON = 1e-3


class Stem(nn.Module):
    def __init__(self, channels, momentum=BN_DECAY):
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(channels, eps=BN_EPSILON, momentum=momentum)  # <- WB302

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


model = Stem(16)
