"""Mend: a ReLU after the last layer of a classifier."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

# Apples of three kinds by sweetness and acidity; the middle kind lies between the others
kind = torch.arange(300) % 3
apples = torch.randn(300, 2) * 0.25 + (kind - 1.0)[:, None]

model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 3), nn.ReLU())
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for step in range(150):
    scores = model(apples)
    loss = nn.functional.cross_entropy(scores, kind)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

accuracy = (scores.argmax(dim=1) == kind).float().mean().item()
stuck = int((scores.amax(dim=0) == 0).sum())  # kinds whose score is 0 for every apple
print(f"accuracy {accuracy:.2f}, lowest score {scores.min().item():.2f}, stuck kinds: {stuck}")
"""
MODEL = "nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 3), nn.ReLU()"

ITEM = Repair(
    name="activation-relu-on-logits",
    title="A ReLU too many",
    topic=Topic.ACTIVATION,
    prompt=(
        "A network sorts apples into three kinds. Run it a few times: now and then it works, but "
        "mostly a kind's score is 0 for every apple and stays so. Let the last layer say what it "
        "has to say; the network still has to be able to bend."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(MODEL, "nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 3)"),
    rules=("WB403",),
    checks=(
        Check(
            claim="scores.min().item() < 0",
            message=(
                "Your lowest score is {scores.min().item():.3f}. No kind of apple can be ruled "
                "out by a negative score."
            ),
            why=(
                "Scores (logits) are no probabilities. Cross-entropy makes probabilities of them "
                "by softmax, in which only differences count, and a negative score is the plain "
                "way to say 'not this kind'. Every function that keeps them positive gets in the "
                "way."
            ),
            misconception="scores of classes have to be positive, like probabilities",
            example=PROGRAM.replace(
                "nn.Linear(32, 3), nn.ReLU()", "nn.Linear(32, 3), nn.Softplus()"
            ),
            rule="WB403",
        ),
        Check(
            claim=(
                "(model((apples[:100] + apples[100:200]) / 2) - (model(apples[:100]) + "
                "model(apples[100:200])) / 2).abs().max().item() > 0.01"
            ),
            message=(
                "The scores are free now, but your network has become linear: "
                "{', '.join(type(layer).__name__ for layer in model.children())}."
            ),
            why=(
                "The ReLU between the two linear layers is not at fault. Without it they are one "
                "linear map; only the ReLU after the **last** layer has to go."
            ),
            misconception="no ReLU belongs into a classifier",
            example=PROGRAM.replace(MODEL, "nn.Linear(2, 32), nn.Linear(32, 3)"),
            rule="WB404",
        ),
    ),
    hints=(
        "Which scores can come out of a ReLU, and which cannot?",
        "One of the two ReLUs stands between layers, the other between the scores and the loss.",
    ),
    why=(
        "Scores may be negative now, and every score passes a gradient for every apple. The "
        "ReLU that is left, between the layers, gives the network its bends."
    ),
    note="This program runs without an error, and now and then even well. It is meant to be wrong.",
)
