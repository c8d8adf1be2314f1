# WB101 is seen by: source, model, run
import torch
from torch import nn
from torch.nn.functional import dropout as drop, silu


def regularised(x, rate):
    if rate == 0:
        return x
    return drop(silu(x), p=rate)  # <- WB101


class Block(nn.Module):
    def __init__(self, width, rate):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Linear(width, width)
        self.rate = rate

    def forward(self, x):
        return x + regularised(self.mix(self.norm(x)), self.rate)


def build(width=8, depth=2, rate=0.1):
    blocks = [Block(width, rate) for _ in range(depth)]
    return nn.Sequential(*blocks, nn.LayerNorm(width), nn.Linear(width, 1))


def evaluate(network, inputs, answers):
    network.eval()
    with torch.inference_mode():
        error = nn.functional.mse_loss(network(inputs), answers).item()
    network.train()
    return error


torch.manual_seed(2)
example_inputs, answers = torch.randn(16, 8), torch.randn(16, 1)
model = build()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(4):
    optimizer.zero_grad()
    nn.functional.mse_loss(model(example_inputs), answers).backward()
    optimizer.step()
    evaluate(model, example_inputs, answers)
