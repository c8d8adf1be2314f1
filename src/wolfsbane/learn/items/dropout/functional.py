"""Mend: F.dropout that does not know the mode."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
import torch.nn.functional as F
from torch import nn

class SpamFilter(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 100)
        self.out = nn.Linear(100, 1)

    def forward(self, words):
        hidden = F.relu(self.hidden(words))
        return self.out(F.dropout(hidden, 0.5))

model = SpamFilter()
message = torch.randn(1, 20)  # its word counts
model.eval()
with torch.no_grad():
    for _ in range(3):
        print(f"spam with probability {torch.sigmoid(model(message)).item():.2f}")
"""

MENDED = "F.dropout(hidden, 0.5, training=self.training)"

ITEM = Repair(
    name="dropout-functional",
    title="The filter that changes its mind",
    topic=Topic.DROPOUT,
    prompt="""\
This spam filter is in evaluation mode, and yet it gives another answer each time it is asked about
the same message.

Mend it so that dropout acts in training, and only there.
""",
    program=PROGRAM,
    solution=PROGRAM.replace("F.dropout(hidden, 0.5)", MENDED),
    checks=(
        Check(
            claim="torch.equal(model.eval()(message), model(message))",
            message="In evaluation, two answers to the same message are "
            "{model(message).item():.3f} and {model(message).item():.3f}.",
            why="Zeros from a random mask of your own are dropout too, and nothing tells the mask "
            "which mode the model is in. `self.training` is what says so.",
            misconception="a mask made by hand knows the mode",
            example=PROGRAM.replace(
                "F.dropout(hidden, 0.5)", "2 * hidden * (torch.rand_like(hidden) > 0.5)"
            ),
        ),
        Check(
            claim="len({model.train()(message).item() for _ in range(20)}) > 1",
            message="In training, 20 passes with the same message all give "
            "{model.train()(message).item():.3f}: nothing is dropped any more.",
            why="Evaluation is repeatable now, and so is training: without dropout the network can "
            "memorise again. The dropout has to stay, and to follow the mode.",
            misconception="a dropout that makes trouble is best removed",
            example=PROGRAM.replace("F.dropout(hidden, 0.5)", "hidden"),
        ),
    ),
    hints=(
        "`eval()` sets `self.training` in every module. Does `F.dropout` know about the module?",
        "The function drops unless it is told not to: look at its argument `training`.",
        f"`{MENDED}`, or an `nn.Dropout(0.5)` that is made in `__init__`.",
    ),
    why=(
        "The dropout now follows the mode that `train()` and `eval()` set: it drops in "
        "training, and hands everything on in evaluation. `nn.Dropout` does just this, by "
        "passing its own `self.training` to `F.dropout`."
    ),
    note="This program runs without an error. What is wrong is what it prints.",
    rules=("WB101",),
)
