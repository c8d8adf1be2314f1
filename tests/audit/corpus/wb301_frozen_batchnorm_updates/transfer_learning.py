# WB301 is seen by: model, run
"""Only the classifier of a convolutional network is trained."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class ConvNet(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, kernel_size=3, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 16, kernel_size=3, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
        )
        self.fc = nn.Linear(16, num_classes)

    def forward(self, x):
        x = self.features(x)
        return self.fc(x.mean(dim=(2, 3)))


model = ConvNet(num_classes=10)
for param in model.features.parameters():
    param.requires_grad = False

optimizer = torch.optim.SGD(model.fc.parameters(), lr=0.01, momentum=0.9)
model.train()

for epoch in range(2):
    for _ in range(4):
        images, labels = torch.rand(16, 3, 12, 12) * 2 + 1, torch.randint(10, (16,))
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
