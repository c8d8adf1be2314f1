# WB111 is seen by: source, model, run
"""A small network for pictures, in one Sequential."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1),
    nn.BatchNorm2d(8),
    nn.ReLU(),
    nn.Dropout2d(0.3),
    nn.MaxPool2d(2),
    nn.Conv2d(8, 8, 3, padding=1),
    nn.BatchNorm2d(8),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(8, 4),
)
example_inputs = torch.randn(2, 3, 12, 12)

optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
model.train()
for _ in range(4):
    images, labels = torch.randn(32, 3, 12, 12), torch.randint(4, (32,))
    optimizer.zero_grad()
    criterion(model(images), labels).backward()
    optimizer.step()
