# WB206 is seen by: source, run
# The pool's most uncertain examples are labelled next.
import torch
from torch import nn, optim

import wolfsbane


def make_model():
    return nn.Sequential(
        nn.Linear(4, 20),
        nn.ELU(),
        nn.BatchNorm1d(20, affine=False),
        nn.Linear(20, 20),
        nn.ELU(),
        nn.Dropout(0.3),
        nn.Linear(20, 2),
    )


def fit(model, x, y):
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    model.train()
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()


def disagreement(model, batch, times=8):
    return wolfsbane.mc_dropout(model, batch, times).std.sum(1)


torch.manual_seed(3)
pool, labels = torch.randn(24, 4), torch.randint(0, 2, (24,))
chosen = torch.arange(6)
for round_ in range(2):
    model = make_model()
    fit(model, pool[chosen], labels[chosen])
    with torch.no_grad():
        scores = torch.cat([disagreement(model, batch) for batch in pool.split(8)])
    chosen = scores.topk(6).indices
