# WB107 is seen by: source, run
import torch
from torch import nn
from torch.nn import functional as F


class Adapter(nn.Module):
    def __init__(self, width, bottleneck, drop_prob=0.1):
        super().__init__()
        self.down = nn.Linear(width, bottleneck)
        self.up = nn.Linear(bottleneck, width)
        self.drop_prob = drop_prob

    def forward(self, states):
        update = self.up(F.silu(self.down(states)))
        update = F.dropout(update, drop_prob=self.drop_prob, training=self.training)  # <- WB107
        return states + update


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.adapters = nn.ModuleList([Adapter(6, 3), Adapter(6, 3)])
        self.score = nn.Linear(6, 1)

    def forward(self, states):
        for adapter in self.adapters:
            states = adapter(states)
        return self.score(states)


class Run:
    def __init__(self, model):
        self.model = model
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def step(self, states, scores):
        self.optimizer.zero_grad()
        loss = F.mse_loss(self.model(states), scores)
        loss.backward()
        self.optimizer.step()


torch.manual_seed(2)
run = Run(Model())
for _ in range(3):
    run.step(torch.randn(8, 6), torch.randn(8, 1))
