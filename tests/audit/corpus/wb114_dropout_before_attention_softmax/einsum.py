# WB114 is seen by: source, model
"""Einstein's sums and a function's dropout, in the style of a vision model."""

import torch
from torch import einsum, nn


class Attend(nn.Module):
    def __init__(self, dim, heads=2, attn_drop=0.3):
        super().__init__()
        self.heads, self.scale, self.attn_drop = heads, (dim // heads) ** -0.5, attn_drop
        self.to_qkv = nn.Conv2d(dim, 3 * dim, 1, bias=False)
        self.softmax = nn.Softmax(dim=-1)

    def split(self, x):
        b, c, h, w = x.shape
        return x.reshape(b, self.heads, c // self.heads, h * w)

    def forward(self, x):
        q, k, v = map(self.split, self.to_qkv(x).chunk(3, dim=1))
        dots = einsum("bhci,bhcj->bhij", q * self.scale, k)
        dots = nn.functional.dropout(dots, self.attn_drop, self.training)  # <- WB114
        weights = self.softmax(dots)
        out = einsum("bhij,bhcj->bhci", weights, v)
        return out.reshape_as(x)


model = Attend(8)
example_inputs = torch.randn(1, 8, 4, 4)
