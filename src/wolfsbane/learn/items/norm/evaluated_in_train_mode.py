"""Mend: an evaluation in training mode, which changes the running statistics."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

def flowers(count, shift):  # petal length and width, standardised; two species
    species = torch.randint(2, (count,))
    return torch.randn(count, 2) + 3.0 * species[:, None] + shift, species

model = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for step in range(150):
    x, y = flowers(64, shift=0.0)
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()

before = model[1].running_mean.clone()
x, y = flowers(200, shift=1.0)  # another garden, with larger flowers
with torch.no_grad():
    scores = model(x)
accuracy = (scores.argmax(dim=1) == y).float().mean().item()
moved = (model[1].running_mean - before).abs().max().item()
print(f"accuracy {accuracy:.2f}; the running mean moved by {moved:.3f}")
"""
EVALUATION = "with torch.no_grad():\n    scores"

ITEM = Repair(
    name="norm-evaluated-in-train-mode",
    title="A measurement that changes the model",
    topic=Topic.NORM,
    prompt=(
        "A model is measured on flowers of another garden. The measurement should leave it as it "
        "is, and record nothing for gradients. But the running mean moves."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(EVALUATION, "model.eval()\nwith torch.no_grad():\n    scores"),
    rules=("WB203",),
    checks=(
        Check(
            claim="moved == 0",
            message=(
                "The running mean still moved by {moved:.3f}: the model was in training mode "
                "while it was measured."
            ),
            why=(
                "Gradients have nothing to do with it, recorded or not. In training mode each "
                "forward pass moves the running statistics towards its batch, and normalises by "
                "that batch. Only `model.eval()` changes that."
            ),
            misconception="no_grad is what updates or keeps the running statistics",
            example=PROGRAM.replace(EVALUATION, "if True:\n    scores"),
            rule="WB203",
        ),
        Check(
            claim="not scores.requires_grad",
            message=(
                "The statistics rest now (moved by {moved:.3f}). But the scores carry a graph: "
                "`scores.requires_grad` is {scores.requires_grad}."
            ),
            why=(
                "The two are independent. `eval()` changes what dropout and batch norm compute; "
                "`no_grad()` saves the memory and time of recording for a backward pass. A "
                "measurement wants both."
            ),
            misconception="eval() also stops the recording for gradients",
            example=PROGRAM.replace(EVALUATION, "model.eval()\nif True:\n    scores"),
        ),
        Check(
            claim="model[1].num_batches_tracked.item() == 150 and accuracy > 0.5",
            message=(
                "The batch norm has counted {model[1].num_batches_tracked.item()} batches instead "
                "of the 150 of the training, and the accuracy is {accuracy:.2f}."
            ),
            why=(
                "The mode belongs to the phase: training mode for the steps, evaluation mode for "
                "the measurement. In evaluation mode throughout, the running statistics rest, but "
                "they are also never learned."
            ),
            misconception="eval() may stand before the training as well",
            example=PROGRAM.replace("for step", "model.eval()\nfor step"),
            rule="WB202",
        ),
    ),
    hints=(
        "`torch.no_grad()` is there. Does it change what batch norm computes?",
        "In training mode every forward pass updates the running statistics.",
        "Put `model.eval()` before the measurement.",
    ),
    why=(
        "In evaluation mode the batch norm uses its running statistics and leaves them alone, "
        "and `no_grad` keeps the graph from being recorded. Measured like this, the model is "
        "the same afterwards."
    ),
    note="This program runs without an error. It is meant to change what it measures.",
)
