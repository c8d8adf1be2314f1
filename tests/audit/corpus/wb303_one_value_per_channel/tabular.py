# WB303 is seen by: model
"""Rows of a table: 1001 of them, a hundred at a time."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_mlp(sizes):
    layers = []
    for size_in, size_out in zip(sizes, sizes[1:]):
        layers += [
            nn.Linear(size_in, size_out),
            nn.BatchNorm1d(size_out),
            nn.ReLU(),
            nn.Dropout(0.1),
        ]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 1))


data = TensorDataset(torch.randn(1001, 12), torch.randn(1001, 1))
loader = DataLoader(data, batch_size=100, shuffle=True)
model = make_mlp([12, 64, 32])
loss = nn.MSELoss()
