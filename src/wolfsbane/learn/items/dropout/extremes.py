"""The rate at its two ends."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

degrees = torch.tensor([18.0, 21.0, 24.0])
try:
    out = nn.Dropout(p=1.0)(degrees)
except ValueError:
    out = None
print("p = 0:", nn.Dropout(p=0.0)(degrees))
print("p = 1:", out)
"""

ITEM = Question(
    name="dropout-extremes",
    title="Rates of 0 and 1",
    topic=Topic.DROPOUT,
    prompt="""\
With p = 0 a dropout layer drops nothing and changes nothing. Kept values are divided by 1 - p, and
for p = 1 that would be a division by 0.

What does `nn.Dropout(p=1.0)` make of three readings in training mode?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="An error: p has to be less than 1",
            claim="out is None",
            why="PyTorch accepts p from 0 to 1, both ends included. Only what lies outside is an "
            "error, so a 1 written by mistake is not noticed when the layer is made.",
            misconception="p = 1 is an error",
            probe="""\
for p in (1.0, 1.1):
    try:
        print(nn.Dropout(p))
    except ValueError as error:
        print(f"p = {p}: {error}")
""",
            rule="WB106",
        ),
        Choice(
            text="`nan`: 0 / 0",
            claim="out is not None and bool(out.isnan().all())",
            why="Nothing is kept, so nothing has to be divided. PyTorch treats p = 1 as a case of "
            "its own and returns zeros, without a `nan` in the output or in the gradient.",
            misconception="p = 1 divides by 0",
            probe="""\
leaf = degrees.clone().requires_grad_()
nn.Dropout(p=1.0)(leaf).sum().backward()
print("nan in the output:", bool(out.isnan().any()), " gradient:", leaf.grad.tolist())
""",
        ),
        Choice(
            text="Zeros",
            claim="out is not None and bool((out == 0).all())",
            why="Everything is dropped, and the gradient is 0 as well: nothing before this layer "
            "learns. No error says so, which is why the auditor looks for it.",
            probe="""\
leaf = degrees.clone().requires_grad_()
nn.Dropout(p=1.0)(leaf).sum().backward()
print("output", out.tolist(), " gradient", leaf.grad.tolist())
""",
            rule="WB108",
        ),
        Choice(
            text="The readings: 1 means all of them are kept",
            claim="out is not None and torch.equal(out, degrees)",
            why="p is the probability of being dropped. All is kept with p = 0; with p = 1 nothing "
            "is.",
            misconception="p = 1 keeps everything",
            probe="""\
for p in (0.0, 1.0):
    print(f"p = {p}: {int((nn.Dropout(p)(degrees) != 0).sum())} of 3 readings kept")
""",
            rule="WB108",
        ),
    ),
    hints=(
        "Which values would have to be divided by 1 - p when all are dropped?",
        "p = 1: the probability of being dropped is 1.",
    ),
)
