# WB401 is seen by: source, model, run
"""Every pixel is background, cell or border: a trainer class, and a head that hangs two levels down."""

import torch
import torch.nn.functional as F
from torch import nn


class Head(nn.Module):
    def __init__(self, width, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(width, num_classes, kernel_size=1)
        self.activation = nn.Softmax(dim=1)

    def forward(self, features):
        scores = self.conv(features)
        return self.activation(scores)  # <- WB401


class Segmenter(nn.Module):
    def __init__(self, width=8, num_classes=3):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.SiLU())
        self.head = Head(width, num_classes)

    def forward(self, images):
        return self.head(self.body(images))


class Trainer:
    def __init__(self, network, lr):
        self.network = network
        self.optimizer = torch.optim.SGD(network.parameters(), lr=lr, momentum=0.9)

    def loss_of(self, masks, targets):
        return F.cross_entropy(masks, targets)

    def fit(self, batches):
        self.network.train()
        for images, targets in batches:
            self.optimizer.zero_grad()
            masks = self.network(images)
            self.loss_of(masks, targets).backward()
            self.optimizer.step()


def batches(number):
    for _ in range(number):
        images = torch.rand(4, 1, 12, 12)
        yield images, (images[:, 0] * 3).long().clamp(max=2)


torch.manual_seed(2)
model = Segmenter()
Trainer(model, lr=0.05).fit(batches(5))
loss = nn.CrossEntropyLoss()
example_inputs = (torch.rand(1, 1, 12, 12),)
