"""What makes a process warm: a small training, so that all that torch imports late is there."""

import os

PROGRAM = """\
import torch
from torch import nn

model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.ReLU(), nn.Dropout(0.1))
for optimizer in (torch.optim.SGD(model.parameters()), torch.optim.Adam(model.parameters())):
    nn.functional.cross_entropy(model(torch.randn(4, 2)), torch.ones(4).long()).backward()
    optimizer.step()
print(model)
"""


def warm_up() -> None:
    """Run a small training as a student's program is run."""
    from wolfsbane.learn.practice.grading import run_program  # noqa: PLC0415  # imports torch

    for _ in run_program(PROGRAM):
        pass


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
