# WB301 is seen by: run
"""A student learns from a teacher that runs under no_grad, and sits in the same module."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Distiller(nn.Module):
    def __init__(self):
        super().__init__()
        self.student = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 4))
        self.teacher = nn.Sequential(
            nn.Linear(12, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4)
        )

    def train(self, mode=True):
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, x):
        with torch.no_grad():
            target = self.teacher(x)
        return F.mse_loss(self.student(x), target)


if __name__ == "__main__":
    distiller = Distiller()
    optimizer = torch.optim.Adam(distiller.parameters(), lr=1e-3)
    for epoch in range(2):
        distiller.train()
        for batch in torch.randn(4, 16, 12) + 1:
            loss = distiller(batch)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
