# WB106 is seen by: source, run
"""A classifier of one class, whose rate is written as a percentage."""

import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self, num_features, num_classes):
        super().__init__()
        self.hidden = nn.Linear(num_features, 32)
        self.drop = nn.Dropout(30)  # <- WB106
        self.out = nn.Linear(32, num_classes)

    def forward(self, x):
        return self.out(self.drop(torch.relu(self.hidden(x))))


torch.manual_seed(0)
model = Classifier(8, 3)
optimizer = torch.optim.Adam(model.parameters())
criterion = nn.CrossEntropyLoss()
for _ in range(4):
    optimizer.zero_grad()
    loss = criterion(model(torch.randn(32, 8)), torch.randint(3, (32,)))
    loss.backward()
    optimizer.step()
