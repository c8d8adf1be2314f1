"""Mend: a frozen batch norm that goes on changing."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

backbone = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU())  # trained before
backbone.requires_grad_(False)
head = nn.Sequential(nn.Dropout(0.2), nn.Linear(12, 2))  # new
model = nn.Sequential(backbone, head)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
before = backbone[1].running_mean.clone()

model.train()
for step in range(40):
    ripe = torch.randint(2, (32,))
    melons = 5 + ripe[:, None] + torch.randn(32, 6)  # six measurements of each
    loss = nn.functional.cross_entropy(model(melons), ripe)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

moved = (backbone[1].running_mean - before).abs().max().item()
print(f"the frozen backbone's running mean moved by {moved:.2f}")
"""
MODE = "model.train()\n"

ITEM = Repair(
    name="norm-frozen",
    title="Frozen, and yet it moves",
    topic=Topic.NORM,
    prompt=(
        "A new head is trained on a frozen backbone. After the training the backbone should be "
        "exactly as it was, and during it should compute what it will compute in use. Its running "
        "mean moves, though no parameter of it requires a gradient."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(MODE, "model.train()\nbackbone.eval()\n"),
    rules=("WB301",),
    checks=(
        Check(
            claim="not any(each.requires_grad for each in backbone.parameters())",
            message=(
                "{sum(each.requires_grad for each in backbone.parameters())} of the backbone's "
                "parameters require gradients now: it is no longer frozen."
            ),
            why=(
                "That silences the warning by giving up what was wanted. Parameters and running "
                "statistics are two things: the first are frozen by `requires_grad_(False)`, the "
                "second by evaluation mode."
            ),
            misconception="the statistics have to train because the layer is in the model",
            example=PROGRAM.replace("backbone.requires_grad_(False)\n", "").replace(
                "SGD(head.", "SGD(model."
            ),
        ),
        Check(
            claim="head[0].training",
            message=(
                "The backbone rests (moved by {moved:.2f}), but `head[0].training` is "
                "{head[0].training}: the head's dropout drops nothing while it trains."
            ),
            why=(
                "`model.eval()` reaches every module in the model. Only the frozen part belongs "
                "into evaluation mode; the head trains, in training mode."
            ),
            misconception="the mode is one for the whole model",
            example=PROGRAM.replace(MODE, "model.eval()\n"),
            rule="WB202",
        ),
        Check(
            claim="not backbone[1].training",
            message=(
                "The running mean rests (moved by {moved:.2f}), but the batch norm is in training "
                "mode: it normalises by the batch, while in use it will subtract the running mean."
            ),
            why=(
                "With momentum 0 the statistics stay, but they are not used: the head learns on "
                "features that are normalised by each batch, and will get others in evaluation. "
                "In evaluation mode, batch norm uses the running statistics **and** leaves them."
            ),
            misconception="momentum 0 is the same as evaluation mode",
            example=PROGRAM.replace(MODE, "model.train()\nbackbone[1].momentum = 0.0\n"),
        ),
    ),
    hints=(
        "A running mean is no parameter. What changes it?",
        "Each forward pass in training mode does. Which modules does `model.train()` reach?",
        "After `model.train()`, put the backbone, and it alone, into evaluation mode.",
    ),
    why=(
        "The backbone is in evaluation mode, so it neither moves its running statistics nor "
        "normalises by the batch, and the head learns on the features that it will get in "
        "use. Each `model.train()` later would put the backbone back: `eval()` has to follow "
        "it."
    ),
    note="This program runs without an error. It is meant to change what should be frozen.",
)
