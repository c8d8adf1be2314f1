# WB404 is seen by: source, model
"""Where a car will be in a second: two layers of a head, and nothing between them."""

import torch
from torch import nn

torch.manual_seed(0)
NUM_FEATURES, NUM_HIDDEN, NUM_OUTPUTS = 12, 64, 4

model = nn.Sequential(
    nn.Linear(NUM_FEATURES, NUM_HIDDEN),
    nn.ReLU(),
    nn.Linear(NUM_HIDDEN, NUM_HIDDEN),
    nn.Dropout(0.2),
    nn.Linear(NUM_HIDDEN, NUM_OUTPUTS),  # <- WB404
)
example_inputs = (torch.randn(3, NUM_FEATURES),)
loss = nn.MSELoss()
