# WB205 is seen by: source, model, run
import torch
from torch import nn


class Branch(nn.Module):
    """One head of several."""

    def __init__(self, inputs, outputs, drop):
        super().__init__()
        self.drop = nn.Dropout(drop)
        self.project = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.project(self.drop(x))


class MultiTask(nn.Module):
    def __init__(self, tasks, width=10):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(4, width), nn.Tanh())
        self.heads = nn.ModuleDict()
        for task, outputs in tasks.items():
            self.heads[task] = Branch(width, outputs, drop=0.2)

    def forward(self, x):
        shared = self.trunk(x)
        return {task: head(shared) for task, head in self.heads.items()}


def fit(model, steps=3):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        outputs = model(torch.randn(6, 4))
        optimizer.zero_grad()
        sum(output.square().mean() for output in outputs.values()).backward()
        optimizer.step()


torch.manual_seed(2)
model = MultiTask({"age": 1, "kind": 4})
fit(model)
