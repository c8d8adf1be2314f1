# WB902 is seen by: source, model
"""AdamW decays by 0.01 if nothing is said."""

from torch.nn import GroupNorm, Linear, Sequential, Tanh
from torch.optim import AdamW


def build(width):
    return Sequential(Linear(4, width), GroupNorm(2, width), Tanh(), Linear(width, 1))


def prepare():
    net = build(8)
    return net, AdamW(net.parameters(), lr=1e-3, weight_decay=0.0)


model, optimizer = prepare()
