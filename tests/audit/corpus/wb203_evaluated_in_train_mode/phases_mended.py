# WB203 is seen by: source, run
import copy

import torch
from torch import nn


class Experiment:
    """Trains a model and keeps the best one."""

    def __init__(self, seed):
        torch.manual_seed(seed)
        self.model = self.build()
        self.optimizer = torch.optim.RMSprop(self.model.parameters(), lr=1e-3)
        self.loaders = {
            phase: [(torch.randn(8, 6), torch.randint(0, 2, (8,)).float()) for _ in range(3)]
            for phase in ("train", "valid")
        }

    @staticmethod
    def build():
        layers = [nn.Linear(6, 20), nn.SiLU(), nn.Dropout(p=0.4), nn.Linear(20, 1)]
        return nn.Sequential(*layers)

    def run_phase(self, phase):
        is_training = phase == "train"
        self.model.train(is_training)
        total = 0.0
        for x, y in self.loaders[phase]:
            if is_training:
                loss = self.loss(x, y)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            else:
                with torch.no_grad():
                    loss = self.loss(x, y)
            total += loss.item()
        return total

    def loss(self, x, y):
        scores = self.model(x).squeeze(1)
        return nn.functional.binary_cross_entropy_with_logits(scores, y)

    def run(self, epochs):
        best, kept = float("inf"), None
        for _ in range(epochs):
            for phase in ["train", "valid"]:
                value = self.run_phase(phase)
                if phase == "valid" and value < best:
                    best, kept = value, copy.deepcopy(self.model.state_dict())
        return kept


Experiment(seed=3).run(epochs=2)
