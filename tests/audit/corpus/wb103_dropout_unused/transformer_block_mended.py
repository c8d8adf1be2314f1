# WB103 is seen by: source, run
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class EncoderConfig:
    hidden_size: int = 8
    intermediate_size: int = 16
    num_layers: int = 2
    dropout: float = 0.1


class FeedForward(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.up = nn.Linear(config.hidden_size, config.intermediate_size)
        self.act = nn.GELU()
        self.down = nn.Linear(config.intermediate_size, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states):
        return self.dropout(self.down(self.act(self.up(states))))


class Mixer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer_norm = nn.LayerNorm(config.hidden_size)
        self.query_key_value = nn.MultiheadAttention(config.hidden_size, 2, batch_first=True)
        self.dropout: nn.Module = nn.Dropout(config.dropout)
        self.feed_forward = FeedForward(config)

    def forward(self, hidden_states):
        residual = hidden_states
        hidden_states = self.layer_norm(hidden_states)
        mixed, _ = self.query_key_value(hidden_states, hidden_states, hidden_states)
        return self.feed_forward(residual + self.dropout(mixed))


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layers = nn.ModuleList([Mixer(config) for _ in range(config.num_layers)])
        self.regression = nn.Linear(config.hidden_size, 1)
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)

    def forward(self, hidden_states):
        for layer in self.layers:
            hidden_states = layer(hidden_states)
        return self.regression(hidden_states).mean(dim=1)


torch.manual_seed(1)
encoder = Encoder(EncoderConfig())
optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-3)
for _ in range(3):
    states, scores = torch.randn(6, 4, 8), torch.randn(6, 1)
    optimizer.zero_grad()
    nn.functional.mse_loss(encoder(states), scores).backward()
    optimizer.step()
