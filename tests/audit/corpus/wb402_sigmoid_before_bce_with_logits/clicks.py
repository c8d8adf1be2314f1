# WB402 is seen by: source, model, run
"""Will somebody click? One output, a plain script."""

import torch
from torch import nn

torch.manual_seed(0)
people = torch.randn(256, 8)
clicked = (people[:, :1] - people[:, 1:2] > 0.5).float()

model = nn.Sequential(
    nn.Linear(8, 16),
    nn.LeakyReLU(0.1),
    nn.Linear(16, 1),
    nn.Sigmoid(),  # <- WB402
)
loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
example_inputs = people[:4]

for start in range(0, 256, 32):
    batch = slice(start, start + 32)
    optimizer.zero_grad()
    loss(model(people[batch]), clicked[batch]).backward()
    optimizer.step()
