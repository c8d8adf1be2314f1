# WB111 is seen by: source, model, run
"""The dropout comes behind the batch norm; the trainer evaluates after each epoch."""

import torch
from torch import nn


class Trainer:
    def __init__(self, network, batches):
        self.network = network
        self.batches = batches
        self.objective = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(network.parameters(), lr=0.01)

    def epoch(self):
        self.network.train()
        for x, y in self.batches:
            self.optimizer.zero_grad()
            self.objective(self.network(x), y).backward()
            self.optimizer.step()

    @torch.no_grad()
    def evaluate(self):
        self.network.eval()
        return sum(self.objective(self.network(x), y).item() for x, y in self.batches)


torch.manual_seed(3)
features = nn.Sequential(nn.Conv2d(1, 6, 3), nn.Tanh())
neck = nn.Sequential(nn.AvgPool2d(3), nn.BatchNorm2d(6), nn.Dropout(0.6))
model = nn.Sequential(features, neck, nn.Flatten(), nn.Linear(6 * 9, 3))
example_inputs = torch.randn(2, 1, 11, 11)
data = [(torch.randn(48, 1, 11, 11), torch.randint(3, (48,))) for _ in range(3)]
trainer = Trainer(model, data)
for _ in range(2):
    trainer.epoch()
    trainer.evaluate()
