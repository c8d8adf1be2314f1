# WB109 is seen by: source, model
"""Both layers drop."""

import torch
from torch import nn

model = nn.Sequential(
    nn.Linear(12, 24),
    nn.ReLU(),
    nn.Dropout(p=0.1),
    nn.Linear(24, 24),
    nn.ReLU(),
    nn.Dropout(0.2),
    nn.Linear(24, 3),
)
example_inputs = torch.randn(5, 12)
optimizer = torch.optim.AdamW(model.parameters())
