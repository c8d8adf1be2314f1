# WB401 is seen by: source, model, run
"""Three kinds of flowers from four measurements: a plain script."""

from collections import OrderedDict

import torch
from torch import nn

torch.manual_seed(0)
centres = torch.tensor([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]])
kinds = torch.randint(3, (120,))
flowers = centres[kinds] + 0.3 * torch.randn(120, 4)

model = nn.Sequential(
    OrderedDict(
        [
            ("hidden", nn.Linear(4, 16)),
            ("act", nn.Tanh()),
            ("out", nn.Linear(16, 3)),
            ("probabilities", nn.Softmax(dim=1)),  # <- WB401
        ]
    )
)
loss = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
example_inputs = (flowers[:2],)

for epoch in range(3):
    for batch in torch.randperm(120).split(40):
        optimizer.zero_grad()
        loss(model(flowers[batch]), kinds[batch]).backward()
        optimizer.step()
