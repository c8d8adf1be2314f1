# WB304 is seen by: run
"""A trainer that splits a batch into pieces that fit into memory."""

import torch


class Regressor(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inputs = torch.nn.Linear(5, 16, bias=False)
        self.norm = torch.nn.BatchNorm1d(16)
        self.outputs = torch.nn.Linear(16, 1)

    def forward(self, *, features):
        return self.outputs(torch.tanh(self.norm(self.inputs(features)))).squeeze(-1)


class Trainer:
    def __init__(self, model, lr, micro_batch_size):
        self.model = model
        self.micro_batch_size = micro_batch_size
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def step(self, features, targets):
        self.optimizer.zero_grad()
        pieces = zip(features.split(self.micro_batch_size), targets.split(self.micro_batch_size))
        for x, y in pieces:
            loss = torch.nn.functional.mse_loss(self.model(features=x), y, reduction="sum")
            (loss / len(targets)).backward()
        self.optimizer.step()

    def fit(self, num_steps):
        for _ in range(num_steps):
            self.step(torch.randn(32, 5), torch.randn(32))


Trainer(Regressor(), lr=1e-3, micro_batch_size=8).fit(5)
