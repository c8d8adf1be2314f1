# WB109 is seen by: model
"""A configuration whose rates have stayed at their defaults."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Config:
    width: int = 16
    depth: int = 2
    hidden_dropout: float = 0.0
    embedding_dropout: float = 0.0


class Block(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.up = nn.Linear(config.width, 2 * config.width)
        self.down = nn.Linear(2 * config.width, config.width)
        self.drop = nn.Dropout(config.hidden_dropout)

    def forward(self, x):
        return x + self.drop(self.down(nn.functional.silu(self.up(self.norm(x)))))


class Model(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.embed = nn.Embedding(50, config.width)
        self.drop = nn.Dropout(config.embedding_dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, words):
        x = self.drop(self.embed(words))
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


model = Model(Config())
example_inputs = torch.randint(50, (2, 7))
optimizer = torch.optim.AdamW(model.parameters())
