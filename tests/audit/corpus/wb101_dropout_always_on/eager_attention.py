# WB101 is seen by: source, model, run
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Config:
    hidden_size: int = 8
    num_heads: int = 2
    attention_dropout: float = 0.1
    num_labels: int = 3


class SelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.head_size = config.hidden_size // config.num_heads
        self.projections = nn.ModuleList(
            nn.Linear(config.hidden_size, config.hidden_size) for _ in range(3)
        )
        self.out = nn.Linear(config.hidden_size, config.hidden_size)

    def _split(self, states):
        return states.unflatten(-1, (-1, self.head_size)).transpose(1, 2)

    def _weights(self, query, key):
        scores = query @ key.transpose(-2, -1) / self.head_size**0.5
        weights = nn.functional.softmax(scores, dim=-1)
        return nn.functional.dropout(weights, p=self.config.attention_dropout)  # <- WB101

    def forward(self, states):
        query, key, value = (self._split(layer(states)) for layer in self.projections)
        mixed = self._weights(query, key) @ value
        return self.out(mixed.transpose(1, 2).flatten(2))


class Classifier(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention = SelfAttention(config)
        self.norm = nn.LayerNorm(config.hidden_size)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, states):
        states = self.norm(states + self.attention(states))
        return self.classifier(states.mean(dim=1))


def step(model, optimizer, states, labels):
    model.train()
    error = nn.functional.cross_entropy(model(states), labels)
    error.backward()
    optimizer.step()
    optimizer.zero_grad()
    return error.item()


torch.manual_seed(3)
example_inputs, labels = torch.randn(6, 5, 8), torch.randint(3, (6,))
model = Classifier(Config())
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for _ in range(3):
    step(model, optimizer, example_inputs, labels)
    model.train(False)
    with torch.no_grad():
        model(example_inputs)
