# WB901 is seen by: source, model
"""A residual block, with a switch for biases."""

import torch
from torch import Tensor, nn


USE_BIAS = True


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=USE_BIAS)  # <- WB901
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, 1, 1, USE_BIAS)  # <- WB901
        self.bn2 = nn.BatchNorm2d(channels)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.act(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.act(out + x)


model = Block(8)
example_inputs = torch.randn(2, 8, 6, 6)
