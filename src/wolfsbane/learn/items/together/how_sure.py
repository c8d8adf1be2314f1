"""Mend: Monte-Carlo dropout that changes the batch norm."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

model = nn.Sequential(
    nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 1)
)
model(torch.randn(200, 4))  # stands for a training
before = model[1].running_mean.clone()

rivers = 2 + torch.randn(10, 4)  # four measurements of each, at high water
model.train()
with torch.no_grad():
    levels = torch.stack([model(rivers) for _ in range(30)])
spread = levels.std(dim=0).mean().item()
moved = (model[1].running_mean - before).abs().max().item()
print(f"spread of 30 forecasts: {spread:.3f}; the running mean moved by {moved:.3f}")
"""
MODE = "model.train()\n"

ITEM = Repair(
    name="together-how-sure",
    title="Asking how sure it is",
    topic=Topic.TOGETHER,
    prompt=(
        "Monte-Carlo dropout: the same rivers are put through the network 30 times, with dropout "
        "on, and the spread says how sure the forecast is. But asking changes the model. Let "
        "dropout alone be on."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(MODE, "model.eval()\nmodel[3].train()\n"),
    rules=("WB206",),
    checks=(
        Check(
            claim="spread > 1e-6",
            message=(
                "The running mean rests (moved by {moved:.3f}), but all 30 forecasts are the "
                "same: their spread is {spread:.3f}."
            ),
            why=(
                "In evaluation mode dropout is off as well, and nothing is left that could "
                "differ. That is no certainty. Dropout has to be on, and batch norm must not."
            ),
            misconception="without spread the model is sure",
            example=PROGRAM.replace(MODE, "model.eval()\n"),
        ),
        Check(
            claim="moved == 0",
            message=(
                "The forecasts spread by {spread:.3f}, and the running mean still moves, by "
                "{moved:.3f}."
            ),
            why=(
                "Whether gradients are recorded makes no difference to batch norm. As long as it "
                "is in training mode, each forecast moves its statistics towards these ten "
                "rivers."
            ),
            misconception="it is no_grad that harms the statistics",
            example=PROGRAM.replace("with torch.no_grad():", "with torch.enable_grad():"),
            rule="WB206",
        ),
    ),
    hints=(
        "`model.train()` turns dropout on. What else?",
        "A mode can be set for a single layer, too.",
        "Put the model into evaluation mode, then its dropout alone into training mode.",
    ),
    why=(
        "In evaluation mode batch norm uses its running statistics and keeps them; the "
        "dropout alone is in training mode. What differs between the forecasts is the masks "
        "and nothing else."
    ),
    note="This program runs without an error. It is meant to change what it asks.",
)
