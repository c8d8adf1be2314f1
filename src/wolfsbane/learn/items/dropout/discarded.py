"""Mend: a dropout whose result is thrown away."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

class Rating(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(30, 100)
        self.drop = nn.Dropout(0.5)
        self.out = nn.Linear(100, 1)

    def forward(self, review):
        hidden = torch.relu(self.hidden(review))
        self.drop(hidden)
        return self.out(hidden)

model = Rating()
review = torch.randn(1, 30)  # its word counts
model.train()
print("three passes in training:", [round(model(review).item(), 3) for _ in range(3)])
"""

CALL = "        self.drop(hidden)\n"

ITEM = Repair(
    name="dropout-discarded",
    title="Dropped, and yet all there",
    topic=Topic.DROPOUT,
    prompt="""\
The dropout is made, belongs to the model and is called in training mode. Even so, three passes with
the same review give the very same rating.

Mend it so that the dropout acts in training.
""",
    program=PROGRAM,
    solution=PROGRAM.replace(CALL, "        hidden = self.drop(hidden)\n"),
    checks=(
        Check(
            claim="len({model.train()(review).item() for _ in range(20)}) > 1",
            message="20 passes in training all give {model.train()(review).item():.3f}.",
            why="Dropout returns a new tensor and leaves its input as it was. A result that has a "
            "name of its own, and is not used, is thrown away all the same.",
            misconception="dropout changes its input",
            example=PROGRAM.replace(CALL, "        dropped = self.drop(hidden)\n"),
        ),
        Check(
            claim="torch.equal(model.eval()(review), model(review))",
            message="In evaluation two passes give {model.eval()(review).item():.3f} and "
            "{model(review).item():.3f}.",
            why="`F.dropout` drops unless it is told not to, also after `eval()`. The layer that "
            "is already there follows the mode.",
            misconception="F.dropout follows the mode of the model",
            example=PROGRAM.replace(CALL, "        hidden = nn.functional.dropout(hidden, 0.5)\n"),
            rule="WB101",
        ),
    ),
    hints=(
        "What does `self.drop(hidden)` return, and who gets it?",
        "`hidden` after that line is the same tensor as before it.",
        "`hidden = self.drop(hidden)`",
    ),
    why=(
        "`hidden` now names what the layer returned, and the next layer gets that. Dropout, "
        "like every layer, leaves its input as it was, unless it is made with `inplace=True`."
    ),
    note="This program runs without an error. The three numbers that it prints should differ.",
    rules=("WB104",),
)
