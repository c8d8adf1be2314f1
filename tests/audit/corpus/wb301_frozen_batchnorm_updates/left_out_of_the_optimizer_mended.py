# WB301 is seen by: run
"""The encoder keeps its gradients, but no optimizer has its weights."""

from collections import OrderedDict

import torch
from torch import nn, optim

model = nn.Sequential(
    OrderedDict(
        encoder=nn.Sequential(
            nn.Linear(20, 16, bias=False), nn.BatchNorm1d(16), nn.GELU(), nn.Linear(16, 16)
        ),
        activation=nn.GELU(),
        head=nn.Linear(16, 3),
    )
)
model.train()
model.encoder.eval()
loss_fn = nn.CrossEntropyLoss()
optimizer = optim.AdamW(model.head.parameters(), lr=1e-3, weight_decay=0.0)


def train_step(x, y):
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


losses = [train_step(torch.randn(32, 20) * 3 - 1, torch.randint(3, (32,))) for _ in range(6)]
