"""Mend: a module of one's own with its layers in a plain list."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

class Stack(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self.layers = [nn.Linear(width, width) for _ in range(depth)]
        self.drop = nn.Dropout(0.1)
        self.last = nn.Linear(width, 2)

    def forward(self, x):
        for layer in self.layers:
            x = self.drop(torch.relu(layer(x)))
        return self.last(x)

model = Stack(width=12, depth=3)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
songs = torch.randn(200, 12)  # twelve features of each, standardised
is_liked = (songs[:, 0] * songs[:, 1] > 0).long()
for step in range(60):
    loss = nn.functional.cross_entropy(model(songs), is_liked)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

trained = sum(each.numel() for group in optimizer.param_groups for each in group["params"])
print(f"{trained} numbers are trained; loss {loss.item():.2f}")
"""
LIST = "[nn.Linear(width, width) for _ in range(depth)]"

ITEM = Repair(
    name="together-plain-list",
    title="Layers that nobody trains",
    topic=Topic.TOGETHER,
    prompt=(
        "A stack of three hidden layers and a last one has 3 · (12 · 12 + 12) + (12 · 2 + 2) = 494 "
        "weights and biases. The optimizer has got 26. Let it train them all."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(LIST, f"nn.ModuleList({LIST})"),
    rules=("WB205",),
    checks=(
        Check(
            claim="torch.equal(model.eval()(songs), model.eval()(songs))",
            message=(
                "The same songs get different scores in two calls, though the model is in "
                "evaluation mode: they differ by up to "
                "{(model.eval()(songs) - model.eval()(songs)).abs().max().item():.2f}."
            ),
            why=(
                "A layer that is made in `forward` is a new one, with new random weights, each "
                "time. Layers are made once, in `__init__`; `forward` uses them."
            ),
            misconception="layers may be made where they are used",
            example=PROGRAM.replace(f"        self.layers = {LIST}\n", "").replace(
                "for layer in self.layers:", "for layer in [nn.Linear(12, 12) for _ in range(3)]:"
            ),
        ),
        Check(
            claim="trained == 494",
            message="{trained} numbers are trained now, and there should be 494.",
            why=(
                "`[layer] * 3` is a list of one and the same layer, three times: it has the "
                "weights of one. A new layer is made by each call of `nn.Linear`, as in a "
                "comprehension."
            ),
            misconception="[layer] * 3 makes three layers",
            example=PROGRAM.replace(LIST, "nn.ModuleList([nn.Linear(width, width)] * depth)"),
        ),
    ),
    hints=(
        "Print `model`. Which layers does it know of?",
        "A module registers what is assigned to an attribute, and does not look into lists.",
        "torch has a list that registers: `nn.ModuleList`.",
    ),
    why=(
        "`nn.ModuleList` registers its layers, so `model.parameters()` finds them, and with "
        "it the optimizer. `train()`, `eval()`, `to()` and `state_dict()` reach them as well."
    ),
    note="This program runs without an error. It is meant to train next to nothing.",
)
