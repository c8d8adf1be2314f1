# WB104 is seen by: source
from torch import nn


class SelfOutput(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.regularise = nn.Sequential(nn.Identity(), nn.Dropout(config.hidden_dropout_prob))
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden_states, input_states):
        hidden_states = self.dense(hidden_states)
        self.dropout(hidden_states)  # <- WB104
        return self.norm(hidden_states + input_states)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention = nn.MultiheadAttention(config.hidden_size, config.num_heads)
        self.output = SelfOutput(config)

    def forward(self, states):
        mixed, weights = self.attention(states, states, states)
        return self.output(mixed, states), weights
