"""Mend: model.eval without parentheses."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

model = nn.Sequential(
    nn.Linear(10, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.4), nn.Linear(64, 1)
)
model(torch.randn(256, 10))  # stands for a training

bicycles = torch.randn(40, 10)  # what is known of 40 bicycles, standardised
model.eval
with torch.no_grad():
    first = model(bicycles)
    second = model(bicycles)
change = (second - first).abs().max().item()
print(f"two estimates of the same prices differ by up to {change:.2f}")
"""
MODE = "model.eval\n"

ITEM = Repair(
    name="together-eval-not-called",
    title="Two estimates of one price",
    topic=Topic.TOGETHER,
    prompt=(
        "The model estimates the same bicycles' prices twice, in evaluation mode, as it seems. "
        "The estimates differ. Mend the line that is to blame."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(MODE, "model.eval()\n"),
    rules=("WB204",),
    checks=(
        Check(
            claim="not model.training",
            message=(
                "The estimates still differ by up to {change:.2f}: `model.training` is "
                "{model.training}."
            ),
            why=(
                "The line did nothing, but something has to stand there. Under `no_grad`, "
                "dropout drops and batch norm takes the batch's statistics as ever: only "
                "evaluation mode changes that."
            ),
            misconception="no_grad is enough for an evaluation",
            example=PROGRAM.replace(MODE, ""),
            rule="WB203",
        ),
        Check(
            claim="not any(layer.training for layer in model.modules())",
            message=(
                "`model.training` is {model.training}, but the estimates differ by up to "
                "{change:.2f}. Still in training mode: {', '.join(type(layer).__name__ "
                "for layer in model if layer.training)}."
            ),
            why=(
                "The flag of the outermost module is its own alone, and dropout looks at **its** "
                "own. `eval()` is a method because it goes through all modules inside."
            ),
            misconception="setting model.training is the same as calling eval()",
            example=PROGRAM.replace(MODE, "model.training = False\n"),
        ),
    ),
    hints=(
        "Which line should have changed the mode? What does Python do with it?",
        "A method's name without parentheses is an expression; nothing is called.",
    ),
    why=(
        "With the parentheses the method is called, and it sets the mode of every module "
        "inside. Dropout is off and batch norm uses its running statistics, so both estimates "
        "agree."
    ),
    note="This program runs without an error. It is meant to give two different results.",
)
