# WB112 is seen by: source, model
"""A prediction of one number, with a function's dropout before the last layer."""

import torch as T
import torch.nn as nn
import torch.nn.functional as Fn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(7, 16), nn.SiLU())
        self.price = nn.Linear(16, 1)

    def forward(self, x):
        x = self.body(x)
        return self.price(Fn.dropout(x, 0.1, self.training)).squeeze(1)


def fit(net, x, y, steps=3):
    optimizer = T.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(steps):
        prediction = net(x)
        error = Fn.mse_loss(prediction, y)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()


model = Net()
fit(model, T.randn(16, 7), T.randn(16))
example_inputs = T.randn(3, 7)
