"""Mend: a softmax before cross-entropy."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

# Digits on a counter's display: seven bars, lit or not, seen through a noisy camera
bars = "1110111 0010010 1011101 1011011 0111010 1101011 1101111 1010010 1111111 1111011"
shapes = torch.tensor([[float(bar) for bar in digit] for digit in bars.split()])
digits = torch.arange(10).repeat(40)
pictures = shapes[digits] + 0.15 * torch.randn(400, 7)

model = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Linear(32, 10), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for step in range(150):
    loss = criterion(model(pictures), digits)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.2f}")
"""
SOFTMAX = ", nn.Softmax(dim=1))"

ITEM = Repair(
    name="activation-softmax-twice",
    title="Ten digits, and a loss above 1.46",
    topic=Topic.ACTIVATION,
    prompt=(
        "The digits of a display are easy to tell apart. But the loss does not fall below 1.46, "
        "however long this trains. Train with cross-entropy to a loss below 0.3."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(SOFTMAX, ")"),
    rules=("WB401",),
    checks=(
        Check(
            claim="loss.item() >= 0",
            message=(
                "The loss is {loss.item():.2f}. A cross-entropy is the mean of -log(probability), "
                "which is never negative."
            ),
            why=(
                "`NLLLoss` takes no logarithm: it expects log-probabilities and only picks and "
                "negates them. Of plain probabilities it makes -probability, whose best value "
                "is -1. `CrossEntropyLoss` is log-softmax and `NLLLoss` in one."
            ),
            misconception="NLLLoss takes the logarithm itself",
            example=PROGRAM.replace("CrossEntropyLoss", "NLLLoss"),
        ),
        Check(
            claim="loss.item() < 0.3",
            message="The softmax is gone, but the loss is still {loss.item():.2f}.",
            why=(
                "Any function that squeezes the scores into a narrow range has the same effect: "
                "from ten scores between 0 and 1 the loss's own softmax can make no probability "
                "above e / (e + 9), which is 23%. Give it the last layer's scores as they are."
            ),
            misconception="the loss wants scores between 0 and 1",
            example=PROGRAM.replace("nn.Softmax(dim=1)", "nn.Sigmoid()"),
            rule="WB401",
        ),
    ),
    hints=(
        "What does `CrossEntropyLoss` do with what it is given, before it takes the logarithm?",
        "It applies softmax itself. With a second one the best is ln(e + 9) - 1 = 1.46.",
        "Leave the softmax out of the model.",
    ),
    why=(
        "The loss now gets scores of any size and applies softmax once. A sure and right "
        "answer can come to a probability near 1, so the loss can come near 0."
    ),
    note="This program runs without an error. It is meant to learn badly.",
)
