# WB105 is seen by: source, run
import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, width, rate=0.1):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.body = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.rate = rate

    def _branch(self, states):
        branch = self.body(self.norm(states))
        if self.rate > 0:
            return nn.AlphaDropout(self.rate)(branch)  # <- WB105
        return branch

    def forward(self, states):
        return states + self._branch(states)


class Forecaster(nn.Module):
    def __init__(self, width=6, depth=2):
        super().__init__()
        self.blocks = nn.ModuleList(Residual(width) for _ in range(depth))
        self.head = nn.Linear(width, 1)

    def forward(self, states):
        for block in self.blocks:
            states = block(states)
        return self.head(states)


def train_one_epoch(model, batches, optimizer):
    model.train()
    for inputs, answers in batches:
        optimizer.zero_grad()
        nn.functional.huber_loss(model(inputs), answers).backward()
        optimizer.step()


torch.manual_seed(2)
forecaster = Forecaster()
batches = [(torch.randn(10, 6), torch.randn(10, 1)) for _ in range(4)]
train_one_epoch(forecaster, batches, torch.optim.SGD(forecaster.parameters(), lr=0.01))
