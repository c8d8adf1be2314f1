"""Mend: a dropout layer that is new in each forward pass."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

class DigitReader(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 100)
        self.out = nn.Linear(100, 10)

    def forward(self, pixels):
        hidden = torch.relu(self.hidden(pixels))
        hidden = nn.Dropout(0.5)(hidden)
        return self.out(hidden)

model = DigitReader()
picture = torch.rand(1, 64)  # 8 x 8 pixels
model.eval()
print(model)
with torch.no_grad():
    for _ in range(3):
        print("says", model(picture).argmax().item(), "with", round(model(picture).max().item(), 2))
"""

SOLUTION = PROGRAM.replace("nn.Dropout(0.5)(hidden)", "self.drop(hidden)").replace(
    "        self.out =", "        self.drop = nn.Dropout(0.5)\n        self.out ="
)

ITEM = Repair(
    name="dropout-made-in-forward",
    title="A layer that nobody knows",
    topic=Topic.DROPOUT,
    prompt="""\
The model is in evaluation mode, and still its answers to the same picture differ. `print(model)`
shows two layers, although three are called.

Mend it so that the dropout belongs to the model.
""",
    program=PROGRAM,
    solution=SOLUTION,
    checks=(
        Check(
            claim="torch.equal(model.eval()(picture), model(picture))",
            message="In evaluation the largest output for the same picture is "
            "{model(picture).max().item():.3f}, and then {model(picture).max().item():.3f}.",
            why="The layer is made once now, but outside of the model. `eval()` reaches what is an "
            "attribute of a module; assign it to `self` in `__init__`.",
            misconception="eval() reaches every layer that is used",
            example=PROGRAM.replace("nn.Dropout(0.5)(hidden)", "drop(hidden)").replace(
                "class DigitReader", "drop = nn.Dropout(0.5)\n\nclass DigitReader"
            ),
        ),
        Check(
            claim="len({model.train()(picture).max().item() for _ in range(20)}) > 1",
            message="In training, 20 passes give the same largest output, "
            "{model.train()(picture).max().item():.3f}: nothing is dropped.",
            why="To make a layer is not to use it. `forward` has to call it, and to go on with "
            "what the call returns.",
            misconception="a layer acts because it was made",
            example=SOLUTION.replace("        hidden = self.drop(hidden)\n", ""),
        ),
    ),
    hints=(
        "How often is `nn.Dropout(0.5)` made, and in which mode is a layer that was just made?",
        "A layer that is to follow `model.eval()` is made in `__init__`, as an attribute.",
        "`self.drop = nn.Dropout(0.5)` in `__init__`, `self.drop(hidden)` in `forward`.",
    ),
    why=(
        "The layer is made once and is an attribute of the model. So `eval()` reaches it, "
        "`print(model)` shows it, and `forward` calls the very layer whose mode was set."
    ),
    note="This program runs without an error. What is wrong is what it prints.",
    rules=("WB105",),
)
