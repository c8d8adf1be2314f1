# WB404 is seen by: source
"""A wide layer and a layer of low rank: only the second is meant as a product of two."""

import torch
from torch import nn


class Wide(nn.Module):
    def __init__(self, width: int = 64, rank: int = 4) -> None:
        super().__init__()
        self.update = nn.Sequential(nn.Linear(width, rank, bias=False), nn.Linear(rank, width))
        self.squeeze = nn.Sequential(nn.Linear(width, width // 8), nn.Linear(width // 8, width))
        self.mix = nn.Sequential(
            nn.LayerNorm(64),
            nn.Linear(64, 256),
            nn.GELU(),
            nn.Linear(256, 64),  # <- WB404
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.update(x) + self.squeeze(x) + self.mix(x)
