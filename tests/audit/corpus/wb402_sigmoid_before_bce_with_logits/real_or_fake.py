# WB402 is seen by: source, model, run
"""A discriminator whose last layer is made by a function, and a loop that knows only its loss."""

import torch
from torch import nn


def block(width_in, width_out):
    return nn.Sequential(nn.Linear(width_in, width_out), nn.LeakyReLU(0.2))


def squash(scores):
    return torch.sigmoid(scores)  # <- WB402


class Discriminator(nn.Module):
    def __init__(self, widths=(2, 32, 32)):
        super().__init__()
        pairs = zip(widths[:-1], widths[1:], strict=True)
        self.blocks = nn.ModuleList(block(first, second) for first, second in pairs)
        self.score = nn.Linear(widths[-1], 1)

    def forward(self, points):
        for layer in self.blocks:
            points = layer(points)
        return squash(self.score(points))


class Game:
    def __init__(self, discriminator):
        self.discriminator = discriminator
        self.criterion = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.RMSprop(discriminator.parameters(), lr=1e-3)

    def play(self, real, fake):
        points = torch.cat([real, fake])
        is_real = torch.cat([torch.ones(len(real), 1), torch.zeros(len(fake), 1)])
        loss = self.criterion(self.discriminator(points), is_real)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


torch.manual_seed(2)
model = Discriminator()
game = Game(model)
for _ in range(5):
    game.play(torch.randn(32, 2), torch.randn(32, 2) + 2)
loss = nn.BCEWithLogitsLoss()
example_inputs = (torch.randn(4, 2),)
