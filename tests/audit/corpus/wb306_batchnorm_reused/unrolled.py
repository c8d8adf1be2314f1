# WB306 is seen by: run
"""A recurrent cell whose state grows, normalised by the same layer at each step in time."""

import torch
import torch.nn as nn


class Accumulator(nn.Module):
    def __init__(self, size, steps):
        super().__init__()
        self.inputs = nn.Linear(size, size)
        self.norm = nn.BatchNorm1d(size)
        self.readout = nn.Linear(size, 1)
        self.steps = steps

    def normalise(self, state, step):
        return self.norm(state)

    def forward(self, sequence):
        state = torch.zeros_like(sequence[0])
        read = 0
        for step in range(self.steps):
            state = state + torch.sigmoid(self.inputs(sequence[step]))
            read = read + self.readout(self.normalise(state, step))
        return read


def main():
    net = Accumulator(size=6, steps=4)
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
    objective = nn.MSELoss()
    for _ in range(8):
        sequence = torch.randn(4, 24, 6)
        loss = objective(net(sequence), sequence.sum(dim=(0, 2)).unsqueeze(-1))
        net.zero_grad()
        loss.backward()
        optimizer.step()


main()
