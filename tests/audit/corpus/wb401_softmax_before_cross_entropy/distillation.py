# WB401 is seen by: source, run
"""A student learns the soft answers of a teacher."""

import torch
from torch import nn

torch.manual_seed(3)


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(10, width), nn.GELU(), nn.Linear(width, 6))

    def forward(self, x):
        return self.layers(x)


teacher, student = Mlp(64).requires_grad_(False), Mlp(8)
optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)
temperature = 2.0

for _ in range(5):
    x = torch.randn(32, 10)
    wanted = (teacher(x) / temperature).softmax(dim=1)
    given = student(x).softmax(dim=1)  # <- WB401
    loss = nn.functional.cross_entropy(given, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
