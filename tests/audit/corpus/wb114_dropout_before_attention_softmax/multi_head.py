# WB114 is seen by: source, model
"""Attention with heads and a mask."""

import math

import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, width=16, num_heads=4, dropout=0.1):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(width, width)

    def forward(self, x, mask):
        batch, length, width = x.shape
        heads = self.qkv(x).view(batch, length, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = heads[0], heads[1], heads[2]
        scores = torch.matmul(query, key.transpose(-2, -1)) / math.sqrt(query.size(-1))
        scores = self.dropout(scores)  # <- WB114
        scores = scores.masked_fill(mask == 0, -1e9)
        weights = torch.softmax(scores, dim=-1)
        context = torch.matmul(weights, value)
        return self.out(context.transpose(1, 2).reshape(batch, length, width))


model = MultiHeadAttention()
example_inputs = (torch.randn(2, 5, 16), torch.ones(5, 5).tril())
