# WB114 is seen by: source, model
"""A function that is handed its dropout layer."""

import torch
import torch.nn.functional as F
from torch import nn


def attention(q, k, v, mask, dropout):
    scores = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
    scores = scores + mask
    if dropout is not None:
        scores = dropout(scores)  # <- WB114
    return F.softmax(scores, dim=-1) @ v


class Layer(nn.Module):
    def __init__(self, width, p):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.attention_dropout = nn.Dropout(p=p)
        self.norm = nn.LayerNorm(width)

    def forward(self, x, mask):
        y = attention(self.q(x), self.k(x), self.v(x), mask, self.attention_dropout)
        return self.norm(x + y)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(Layer(8, 0.2) for _ in range(2))

    def forward(self, x):
        mask = torch.full((x.shape[1], x.shape[1]), float("-inf")).triu(1)
        for layer in self.layers:
            x = layer(x, mask)
        return x


model = Model()
example_inputs = torch.randn(2, 6, 8)
