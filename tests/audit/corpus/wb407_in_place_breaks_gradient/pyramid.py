# WB407 is seen by: run
"""A feature pyramid adds the coarse level to the fine one with +=, behind a ReLU."""

import torch
import torch.nn.functional as F
from torch import nn


class Pyramid(nn.Module):
    def __init__(self, widths=(4, 8), width=6):
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(each, width, 1) for each in widths)
        self.smooth = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, levels):
        laterals = [F.relu(conv(x)) for conv, x in zip(self.lateral, levels, strict=True)]
        for i in range(len(laterals) - 1, 0, -1):
            size = laterals[i - 1].shape[-2:]
            laterals[i - 1] += F.interpolate(laterals[i], size=size)
        return self.smooth(laterals[0])


class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.pyramid = Pyramid()

    def forward(self, levels):
        return self.pyramid(levels)

    def training_step(self, batch):
        levels, masks = batch
        return F.cross_entropy(self(levels), masks)


def run():
    torch.manual_seed(1)
    module = Module()
    optimizer = torch.optim.Adam(module.parameters())
    for _ in range(3):
        levels = [torch.randn(2, 4, 8, 8), torch.randn(2, 8, 4, 4)]
        loss = module.training_step((levels, torch.randint(3, (2, 8, 8))))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


run()
