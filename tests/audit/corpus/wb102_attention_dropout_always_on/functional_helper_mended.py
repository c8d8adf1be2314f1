# WB102 is seen by: source, run
import math

import torch
from torch import nn

ATTENTION_RATE = 0.15


def attention(query, key, value, rate):
    if not hasattr(nn.functional, "scaled_dot_product_attention"):
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        return scores.softmax(-1) @ value
    return nn.functional.scaled_dot_product_attention(query, key, value, dropout_p=rate)


class Memory(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.slots = nn.Parameter(torch.randn(5, width))
        self.query = nn.Linear(width, width)
        self.answer = nn.Linear(width, 1)

    def forward(self, x):
        rate = ATTENTION_RATE if self.training else 0.0
        slots = self.slots.expand(len(x), -1, -1)
        read = attention(self.query(x).unsqueeze(1), slots, slots, rate)
        return self.answer(torch.tanh(read.squeeze(1)))


torch.manual_seed(6)
inputs, answers = torch.randn(12, 8), torch.randn(12, 1)
memory = Memory(8)
optimizer = torch.optim.SGD(memory.parameters(), lr=0.01)
for _ in range(3):
    optimizer.zero_grad()
    nn.functional.mse_loss(memory.train()(inputs), answers).backward()
    optimizer.step()
    with torch.no_grad():
        memory.eval()(inputs)
