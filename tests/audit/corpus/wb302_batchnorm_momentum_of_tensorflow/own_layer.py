# WB302 is seen by: source
"""A layer of one's own, on top of the function."""

import torch
import torch.nn.functional as F


class Normalize(torch.nn.Module):
    def __init__(self, num_features: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("var", torch.ones(num_features))

    def forward(self, x):
        return F.batch_norm(
            x,
            self.mean,
            self.var,
            training=self.training,
            momentum=0.999,  # <- WB302
            eps=1e-3,
        )
