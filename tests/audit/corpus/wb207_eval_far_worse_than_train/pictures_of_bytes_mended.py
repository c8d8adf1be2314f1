# WB207 is seen by: run
"""Grey values from 0 to 255, and momentum as it is by default."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
CLASSES = torch.randn(3, 1, 6, 6)


def batch(size=32):
    labels = torch.randint(3, (size,))
    pictures = CLASSES[labels] + torch.randn(size, 1, 6, 6)
    return (128 + 40 * pictures).clamp(0, 255), labels


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.head(x.flatten(1))


def main():
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    net.train()
    for step in range(110):
        pictures, labels = batch()
        loss = F.cross_entropy(net(pictures), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


main()
