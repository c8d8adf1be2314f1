# WB102 is seen by: source, model, run
import torch
import torch.nn as nn
from torch.nn import functional as F


class CausalSelfAttention(nn.Module):
    def __init__(self, width, num_heads, dropout):
        super().__init__()
        self.attend = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.residual_dropout = nn.Dropout(dropout)
        self.num_heads = num_heads
        self.dropout = dropout

    def forward(self, x):
        batch, length, width = x.size()
        q, k, v = self.attend(x).split(width, dim=2)
        q, k, v = (t.view(batch, length, self.num_heads, -1).transpose(1, 2) for t in (q, k, v))
        rate = self.dropout
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=rate, is_causal=True)  # <- WB102
        y = y.transpose(1, 2).contiguous().view(batch, length, width)
        return self.residual_dropout(self.project(y))


class Model(nn.Module):
    def __init__(self, vocabulary=11, width=8, dropout=0.2):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.norm = nn.LayerNorm(width)
        self.attention = CausalSelfAttention(width, 2, dropout)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        x = self.embed(tokens)
        return self.head(x + self.attention(self.norm(x)))

    @torch.no_grad()
    def generate(self, tokens, num_new):
        for _ in range(num_new):
            tokens = torch.cat([tokens, self(tokens)[:, -1:].argmax(-1)], dim=1)
        return tokens


torch.manual_seed(0)
tokens = torch.randint(11, (4, 7))
example_inputs = tokens[:, :-1]
model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for iteration in range(3):
    logits = model(tokens[:, :-1])
    F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    model.eval()
    model.generate(tokens[:1, :2], 2)
    model.train()
