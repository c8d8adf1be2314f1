# WB201 is seen by: source, run
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(net):
    """Evaluate without gradients."""
    net.eval()  # <- WB201
    try:
        with torch.inference_mode():
            yield net
    finally:
        print("evaluated")


class Trainer:
    def __init__(self, net, train_data, val_data, lr=0.05):
        self.net = net
        self.train_data, self.val_data = train_data, val_data
        self.optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
        self.criterion = nn.MSELoss()
        self.best = float("inf")

    def fit(self, epochs):
        for epoch in range(epochs):
            self.train_one_epoch()
            if epoch % 2 == 0:
                self.best = min(self.best, self.validate())

    def train_one_epoch(self):
        for x, y in self.train_data:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.criterion(self.net(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            self.optimizer.step()

    def validate(self):
        with evaluating(self.net) as net:
            losses = [self.criterion(net(x), y).item() for x, y in self.val_data]
        return sum(losses) / len(losses)


torch.manual_seed(2)
net = nn.Sequential(
    nn.Linear(6, 24, bias=False),
    nn.BatchNorm1d(24),
    nn.Tanh(),
    nn.Dropout(0.2),
    nn.Linear(24, 1),
)
data = [(torch.randn(12, 6), torch.randn(12, 1)) for _ in range(6)]
Trainer(net, data[:4], data[4:]).fit(epochs=4)
