# WB110 is seen by: source, model
"""Every argument by its position, and both directions."""

import torch

NUM_LEVELS = 2


def reader():
    return torch.nn.GRU(
        5,
        7,
        NUM_LEVELS,
        True,
        True,
        0.3,
        True,
    )


model = reader()
example_inputs = torch.randn(3, 4, 5)
