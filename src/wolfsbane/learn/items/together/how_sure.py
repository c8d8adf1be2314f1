"""Mend: Monte-Carlo dropout without dropout."""

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
model.eval()
with torch.no_grad():
    levels = torch.stack([model(rivers) for _ in range(30)])
spread = levels.std(dim=0).mean().item()
moved = (model[1].running_mean - before).abs().max().item()
print(f"spread of 30 forecasts: {spread:.3f}; the running mean moved by {moved:.3f}")
"""
MODE = "model.eval()\n"

ITEM = Repair(
    name="together-how-sure",
    title="Asking how sure it is",
    topic=Topic.TOGETHER,
    prompt=(
        "Monte-Carlo dropout: the same rivers are put through the network 30 times, with dropout "
        "on, and the spread says how sure the forecast is. Here it is 0, as if the network were "
        "certain of everything. Let the forecasts differ by dropout, without any change to the "
        "model."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(MODE, "model.eval()\nmodel[3].train()\n"),
    rules=("WB206",),
    checks=(
        Check(
            claim="spread > 1e-6",
            message=(
                "All 30 forecasts are the same: their spread is {spread:.3f}, with a rate of "
                "{model[3].p}. `model[3].training` is {model[3].training}."
            ),
            why=(
                "In evaluation mode dropout is off, whatever its rate, and nothing is left that "
                "could differ. That is no certainty: the dropout has to be in training mode, and "
                "batch norm must not."
            ),
            misconception="a higher rate brings dropout back in evaluation mode",
            example=PROGRAM.replace(MODE, "model.eval()\nmodel[3].p = 0.9\n"),
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
            example=PROGRAM.replace(MODE, "model.train()\n").replace(
                "with torch.no_grad():", "with torch.enable_grad():"
            ),
            rule="WB206",
        ),
        Check(
            claim="model[1].momentum == 0.1",
            message=(
                "The forecasts spread by {spread:.3f} and the running mean rests, since the "
                "momentum of the batch norm is {model[1].momentum} now. But in training mode it "
                "normalises each river by the nine others."
            ),
            why=(
                "With momentum 0 the running statistics rest, but training mode does not use "
                "them: a forecast then depends on which rivers are asked about together. In "
                "evaluation mode batch norm uses them **and** leaves them."
            ),
            misconception="momentum 0 is evaluation mode for batch norm",
            example=PROGRAM.replace(
                MODE,
                "model.eval()\nmodel[1].momentum = 0.0\nmodel[1].train()\nmodel[3].train()\n",
            ),
        ),
    ),
    hints=(
        "In evaluation mode dropout drops nothing. What would `model.train()` turn on besides?",
        "A mode can be set for a single layer, too.",
        "Leave the model in evaluation mode, and put its dropout alone into training mode.",
    ),
    why=(
        "In evaluation mode batch norm uses its running statistics and keeps them; the "
        "dropout alone is in training mode. What differs between the forecasts is the masks "
        "and nothing else."
    ),
    note="This program runs without an error. The spread that it prints is meant to be wrong.",
)
