"""Mend: the dropout of a recurrent layer with one level."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.memory = nn.LSTM(3, 32, batch_first=True, dropout=0.5)
        self.out = nn.Linear(32, 1)

    def forward(self, hours):
        states, _ = self.memory(hours)
        return self.out(states[:, -1])

model = Forecast()
day = torch.randn(1, 24, 3)  # temperature, pressure and wind of 24 hours
model.train()
print("three passes in training:", [round(model(day).item(), 3) for _ in range(3)])
"""

MADE = "nn.LSTM(3, 32, batch_first=True, dropout=0.5)"
RETURN = "        return self.out(states[:, -1])\n"

ITEM = Repair(
    name="dropout-one-level",
    title="An LSTM that drops nothing",
    topic=Topic.DROPOUT,
    prompt="""\
The LSTM is given `dropout=0.5`, and three passes in training mode agree to the last digit: nothing
is dropped. PyTorch even says so, in a warning.

Mend the model so that dropout acts in training: between levels of the LSTM, or on what it returns.
""",
    program=PROGRAM,
    solution=PROGRAM.replace(MADE, "nn.LSTM(3, 32, num_layers=2, batch_first=True, dropout=0.5)"),
    checks=(
        Check(
            claim="len({model.train()(day).item() for _ in range(20)}) > 1",
            message="20 passes in training all give {model.train()(day).item():.3f}.",
            why="Without the argument the warning is gone, and dropout is as absent as before. An "
            "LSTM drops between its levels: give it two, or put an `nn.Dropout` after it.",
            misconception="no warning, no mistake",
            example=PROGRAM.replace(", dropout=0.5", ""),
        ),
        Check(
            claim="torch.equal(model.eval()(day), model(day))",
            message="In evaluation two forecasts for the same day are {model(day).item():.3f} and "
            "{model(day).item():.3f}.",
            why="`F.dropout` drops unless it is told not to, also after `eval()`. Give it "
            "`training=self.training`, or use a layer.",
            misconception="F.dropout follows the mode of the model",
            example=PROGRAM.replace(", dropout=0.5", "").replace(
                RETURN, f"        states = nn.functional.dropout(states, 0.5)\n{RETURN}"
            ),
            rule="WB101",
        ),
    ),
    hints=(
        "Read the warning: how many levels does it expect?",
        "`dropout=` of an LSTM acts between one level and the next. `num_layers` is 1 here.",
        "`num_layers=2`; or no `dropout=` there, and `self.drop = nn.Dropout(0.5)` after it.",
    ),
    why=(
        "There is now a place where dropout acts in training: between two levels of the LSTM, "
        "or on what the LSTM returns. In evaluation all passes agree."
    ),
    note="This program runs with a warning. The three numbers that it prints should differ.",
    rules=("WB110",),
)
