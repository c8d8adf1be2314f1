# WB302 is seen by: source, model
"""A network is told how to make its norms."""

from collections.abc import Callable
from functools import partial
from typing import Optional

from torch import nn


class MBConv(nn.Module):
    def __init__(self, channels: int, norm_layer: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 1, bias=False), norm_layer(channels), nn.SiLU()
        )

    def forward(self, x):
        return x + self.layers(x)


class Net(nn.Module):
    def __init__(self, norm_layer: Optional[Callable[..., nn.Module]] = None) -> None:
        super().__init__()
        if norm_layer is None:
            norm_layer = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.99)  # <- WB302
        self.blocks = nn.Sequential(*[MBConv(8, norm_layer) for _ in range(3)])

    def forward(self, x):
        return self.blocks(x)


model = Net()
