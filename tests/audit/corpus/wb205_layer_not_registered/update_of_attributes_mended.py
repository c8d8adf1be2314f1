# WB205 is seen by: model, run
import torch
from torch import nn


class Configured(nn.Module):
    """Takes its parts as keyword arguments."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.scale * self.decoder(torch.tanh(self.encoder(x)))


torch.manual_seed(4)
model = Configured(encoder=nn.Linear(5, 3), decoder=nn.Linear(3, 5))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    x = torch.randn(7, 5)
    optimizer.zero_grad()
    (model(x) - x).square().mean().backward()
    optimizer.step()
