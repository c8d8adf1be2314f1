# WB404 is seen by: source, model
"""Two heads in a ModuleDict; one is built from a list of layers."""

import torch
from torch import nn


def make_head(num_in, num_hidden, num_out):
    layers = [nn.Linear(num_in, num_hidden), nn.Hardswish(), nn.Linear(num_hidden, num_out)]
    return nn.Sequential(*layers)


class TwoHeads(nn.Module):
    def __init__(self, num_features=20):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(num_features, 40), nn.Hardswish())
        self.heads = nn.ModuleDict(
            {
                "age": make_head(40, 20, 1),
                "species": nn.Sequential(
                    nn.Linear(40, 80),
                    nn.Identity(),
                    nn.Linear(80, 9),  # <- WB404
                ),
            }
        )

    def forward(self, features):
        shared = self.body(features)
        return {name: head(shared) for name, head in self.heads.items()}


torch.manual_seed(2)
model = TwoHeads()
example_inputs = (torch.randn(5, 20),)
