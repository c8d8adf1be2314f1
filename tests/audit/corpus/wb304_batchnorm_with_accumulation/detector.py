# WB304 is seen by: run
"""A detector for large pictures, one at a time, with a warm-up of the accumulation."""

import torch
from torch import nn
from torch.nn import functional as F


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList()
        for channels_in, channels_out in [(3, 4), (4, 8)]:
            self.stages.append(
                nn.ModuleDict(
                    {
                        "conv": nn.Conv2d(channels_in, channels_out, 3, stride=2, bias=False),
                        "bn": nn.BatchNorm2d(channels_out),
                    }
                )
            )

    def forward(self, x):
        for stage in self.stages:
            x = F.relu(stage["bn"](stage["conv"](x)))
        return x


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        self.boxes = nn.Conv2d(8, 4, 1)

    def forward(self, batch):
        return self.boxes(self.backbone(batch["image"])).mean((2, 3))


def batches(number):
    for _ in range(number):
        yield {"image": torch.randn(1, 3, 16, 16), "box": torch.rand(1, 4)}


def train(detector, nominal_batch_size=8):
    detector.train()
    optimizer = torch.optim.SGD(detector.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    done = 0
    for number, batch in enumerate(batches(24)):
        accumulate = max(2, min(nominal_batch_size, number))
        loss = F.smooth_l1_loss(detector(batch), batch["box"])
        loss.backward()
        done += 1
        if done >= accumulate:
            optimizer.step()
            optimizer.zero_grad()
            done = 0


detector = Detector()
train(detector)
