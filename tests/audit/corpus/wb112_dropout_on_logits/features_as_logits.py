# WB112 is seen by: source, model
"""The pooled features are the logits: there is no layer behind the dropout."""

import torch
from torch import nn


class Head(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(4, num_classes, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        x = self.pool(self.conv(x)).flatten(1)
        return self.drop(x)  # <- WB112


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
        self.head = Head(5)

    def forward(self, x):
        return self.head(self.stem(x))


def step(network, batch, criterion):
    images, labels = batch
    logits = network(images)
    return criterion(logits, labels)


model = Network()
loss = nn.BCEWithLogitsLoss()
example_inputs = torch.randn(2, 1, 9, 9)
step(model, (example_inputs, torch.rand(2, 5)), loss)
