# WB405 is seen by: run
"""Convolutions in blocks, with an initialisation that was meant for a detector's last layer."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)

    def forward(self, x):
        return F.relu(self.conv(x), inplace=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(3, 16), Block(16, 32)])
        self.head = nn.Linear(32, 4)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((2, 3)))

    def init_weights(self):
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.constant_(module.bias, -math.log(99))


def main():
    torch.manual_seed(1)
    net = Net()
    net.init_weights()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4)
    for _ in range(10):
        images, labels = torch.randn(24, 3, 8, 8), torch.randint(4, (24,))
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main()
