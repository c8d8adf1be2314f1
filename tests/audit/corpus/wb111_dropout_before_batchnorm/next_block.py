# WB111 is seen by: source, model, run
"""One block ends with a dropout, and the next begins with a batch norm."""

import torch
from torch import nn


class Unit(nn.Module):
    def __init__(self, fan_in, fan_out, p):
        super().__init__()
        self.norm = nn.BatchNorm1d(fan_in)
        self.conv = nn.Conv1d(fan_in, fan_out, 5, padding=2)
        self.act = nn.LeakyReLU()
        self.drop = nn.Dropout(p)

    def forward(self, x):
        x = self.act(self.conv(self.norm(x)))
        return self.drop(x)  # <- WB111


class Audio(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Unit(1, 8, 0.4)
        self.second = Unit(8, 8, 0.4)
        self.out = nn.Linear(8, 2)

    def forward(self, wave):
        states = self.second(self.first(wave))
        return self.out(states.mean(-1))


def main():
    torch.manual_seed(2)
    net = Audio()
    optimizer = torch.optim.AdamW(net.parameters())
    for _ in range(4):
        wave, label = torch.randn(24, 1, 40), torch.randint(2, (24,))
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(net(wave), label).backward()
        optimizer.step()
    return net


model = main()
example_inputs = (torch.randn(3, 1, 40),)
