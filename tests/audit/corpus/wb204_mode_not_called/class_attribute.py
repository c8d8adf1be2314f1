# WB204 is seen by: source
import torch
from torch import nn


class Runner:
    def __init__(self, settings):
        self.settings = settings
        self.approximator = nn.Sequential(
            nn.Linear(3, 9), nn.ReLU(), nn.Dropout(0.2), nn.Linear(9, 1)
        )
        self.optimizer = torch.optim.SGD(self.approximator.parameters(), lr=0.1)

    def epoch(self, batches):
        self.approximator.train  # <- WB204
        for x, y in batches:
            self.optimizer.zero_grad()
            (self.approximator(x) - y).square().mean().backward()
            self.optimizer.step()

    def score(self, batches):
        self.approximator.eval()
        with torch.inference_mode():
            return [self.approximator(x).mean().item() for x, _ in batches]
