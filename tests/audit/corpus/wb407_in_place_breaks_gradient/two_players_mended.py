# WB407 is seen by: run
"""Generator and discriminator: the discriminator steps before the generator's loss goes back."""

import torch
from torch import nn

torch.manual_seed(2)
generator = nn.Sequential(nn.Linear(2, 16), nn.GELU(), nn.Linear(16, 2))
discriminator = nn.Sequential(nn.Linear(2, 16), nn.GELU(), nn.Linear(16, 1))
generate = torch.optim.Adam(generator.parameters(), lr=1e-3)
discriminate = torch.optim.Adam(discriminator.parameters(), lr=1e-3)
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(8, 1), torch.zeros(8, 1)

for _ in range(3):
    real, noise = torch.randn(8, 2) + 3, torch.randn(8, 2)
    fake = generator(noise)

    loss_d = criterion(discriminator(real), ones) + criterion(discriminator(fake.detach()), zeros)
    discriminate.zero_grad()
    loss_d.backward()
    discriminate.step()

    loss_g = criterion(discriminator(fake), ones)
    generate.zero_grad()
    loss_g.backward()
    generate.step()
