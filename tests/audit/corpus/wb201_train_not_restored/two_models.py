# WB201 is seen by: source, run
# Two models that train in turn; the generator is shown after each epoch.
import torch
from torch import nn


class Generator(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, width), nn.LeakyReLU(0.2), nn.Dropout(0.1))
        self.out = nn.Linear(width, 8)

    def forward(self, z):
        return self.out(self.body(z))


class Critic(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(8, width), nn.GELU(), nn.Linear(width, 1))

    def forward(self, x):
        return self.score(x).squeeze(1)


class Game:
    def __init__(self):
        self.generator, self.critic = Generator(16), Critic(16)
        self.opt_g = torch.optim.Adam(self.generator.parameters(), 1e-3)
        self.opt_c = torch.optim.Adam(self.critic.parameters(), 1e-3)

    def show(self, noise):
        self.generator.eval()  # <- WB201
        with torch.no_grad():
            print(self.generator(noise).mean().item())

    def play(self, real):
        fake = self.generator(torch.randn(len(real), 4))
        self.opt_c.zero_grad()
        loss = self.critic(fake.detach()).mean() - self.critic(real).mean()
        loss.backward()
        self.opt_c.step()
        self.opt_g.zero_grad()
        (-self.critic(fake).mean()).backward()
        self.opt_g.step()


def main(epochs=2):
    torch.manual_seed(4)
    game, noise = Game(), torch.randn(5, 4)
    while epochs:
        for _ in range(3):
            game.play(torch.randn(8, 8) + 2)
        game.show(noise)
        epochs -= 1


main()
