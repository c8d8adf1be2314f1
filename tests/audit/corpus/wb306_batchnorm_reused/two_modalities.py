# WB306 is seen by: model, run
"""Sound and picture meet in one space, and in one norm."""

import torch
from torch import nn


class Tower(nn.Module):
    def __init__(self, size_in, size_out, offset):
        super().__init__()
        self.project = nn.Linear(size_in, size_out)
        nn.init.constant_(self.project.bias, offset)

    def forward(self, x):
        return self.project(x)


class SharedSpace(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.sound = Tower(20, dim, -1.5)
        self.picture = Tower(30, dim, 1.5)
        self.norms = nn.ModuleDict({"all": nn.BatchNorm1d(dim)})
        self.which = {"sound": "all", "picture": "all"}

    def embed(self, name, x):
        return self.norms[self.which[name]](getattr(self, name)(x))

    def forward(self, sound, picture):
        return self.embed("sound", sound), self.embed("picture", picture)


model = SharedSpace()
example_inputs = (torch.randn(8, 20), torch.randn(8, 30))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

for _ in range(6):
    one, other = model(torch.randn(32, 20), torch.randn(32, 30))
    optimizer.zero_grad()
    (one - other).square().mean().backward()
    optimizer.step()
