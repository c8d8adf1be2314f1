# WB108 is seen by: source, model
"""A flag where a rate belongs: `use_dropout=True` went into the layer as it was."""

import torch


def mlp(sizes, use_dropout):
    layers = []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.LeakyReLU(0.1)]
        layers.append(torch.nn.Dropout(use_dropout))
    return torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], 2))


model = mlp([10, 20, 20], use_dropout=True)  # <- WB108
example_inputs = torch.randn(3, 10)
