"""Trainings of all sorts, to be run with and without being watched."""

import torch
from torch import nn
from torch.nn import functional as F


def mlp():
    """Dropout and batch norm."""
    net = nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)
    )
    _train(net, lambda: torch.randn(5, 6))
    return net


def cnn():
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout2d(0.3), nn.Flatten(),
        nn.Linear(64, 3),
    )  # fmt: skip
    _train(net, lambda: torch.randn(5, 2, 6, 6))
    return net


def transformer():
    """A transformer whose evaluations decide when its rate falls: they may not differ in a bit."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.2, batch_first=True)
    net = nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    for _ in range(5):
        net.train()
        F.mse_loss(net(torch.randn(4, 5, 8)), torch.randn(4, 5, 8)).backward()
        optimizer.step()
        optimizer.zero_grad()
        net.eval()
        with torch.no_grad():
            for group in optimizer.param_groups:
                group["lr"] = 0.01 * float(net(torch.randn(4, 5, 8)).abs().mean())
    return net


class _Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 6, 2, dropout=0.3, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def lstm():
    net = _Recurrent()
    _train(net, lambda: torch.randn(5, 7, 4))
    return net


def gan():
    """Two models with an optimizer each."""
    net = nn.ModuleDict(
        {
            "g": nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 6)),
            "d": nn.Sequential(nn.Linear(6, 8), nn.LeakyReLU(), nn.Dropout(0.2), nn.Linear(8, 1)),
        }
    )
    of_g, of_d = (torch.optim.Adam(net[name].parameters()) for name in "gd")
    loss = nn.BCEWithLogitsLoss()
    for _ in range(5):
        fake = net["g"](torch.randn(5, 4))
        real_loss = loss(net["d"](torch.randn(5, 6)), torch.ones(5, 1))
        (real_loss + loss(net["d"](fake.detach()), torch.zeros(5, 1))).backward()
        of_d.step()
        of_d.zero_grad()
        loss(net["d"](fake), torch.ones(5, 1)).backward()
        of_g.step()
        net.zero_grad()
    return net


def autocast():
    """bfloat16, whose casts of the weights are kept for the backward pass."""
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(5):
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(net(torch.randn(5, 6)), torch.randint(3, (5,)))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return net


def accumulation():
    net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for number in range(24):
        F.cross_entropy(net(torch.randn(5, 6)), torch.randint(3, (5,))).backward()
        if number % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
    return net


def lbfgs():
    """An optimizer that evaluates a closure several times a step."""
    net = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3))
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=4)
    x, y = torch.randn(9, 6), torch.randint(3, (9,))

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        return loss

    for _ in range(4):
        optimizer.step(closure)
    return net


def long():
    """Long enough for several comparisons of the modes."""
    net = nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)
    )
    _train(net, lambda: torch.randn(5, 6), steps=45)
    return net


ALL = [mlp, cnn, transformer, lstm, gan, autocast, accumulation, lbfgs, long]


def _train(net, make_input, steps=6):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    loss = nn.CrossEntropyLoss()
    for _ in range(steps):
        loss(net(make_input()), torch.randint(3, (5,))).backward()
        optimizer.step()
        optimizer.zero_grad()
