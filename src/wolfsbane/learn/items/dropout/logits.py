"""Mend: dropout after the last layer."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

pixels = torch.rand(200, 64)
digits = pixels[:, :10].argmax(1)
model = nn.Sequential(
    nn.Linear(64, 100),
    nn.ReLU(),
    nn.Linear(100, 10),
    nn.Dropout(0.5),
)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loss_of = nn.CrossEntropyLoss()
for _ in range(100):
    optimizer.zero_grad()
    loss_of(model(pixels), digits).backward()
    optimizer.step()
print("logits of one picture in training:")
print([round(logit, 1) for logit in model(pixels[:1])[0].tolist()])
"""

LAST = "    nn.Linear(100, 10),\n    nn.Dropout(0.5),\n"
SOLUTION = PROGRAM.replace(LAST, "    nn.Dropout(0.5),\n    nn.Linear(100, 10),\n")

ITEM = Repair(
    name="dropout-on-logits",
    title="Answers that are dropped",
    topic=Topic.DROPOUT,
    prompt="""\
Ten logits say which digit a picture shows. In training about half of them are 0, whatever the
picture: a class whose logit is dropped gets a probability that the network did not mean.

Mend the model so that dropout acts on the 100 hidden units.
""",
    program=PROGRAM,
    solution=SOLUTION,
    checks=(
        Check(
            claim="len({model.train()(pixels[:1]).max().item() for _ in range(20)}) > 1",
            message="20 passes in training give the same logits, the largest always "
            "{model.train()(pixels[:1]).max().item():.2f}: nothing is dropped.",
            why="The logits are whole again, but so is the hidden layer: the network can memorise. "
            "Dropout is to move, not to go.",
            misconception="a dropout that makes trouble is best removed",
            example=PROGRAM.replace(LAST, "    nn.Linear(100, 10),\n"),
        ),
        Check(
            claim="not isinstance(model[0], nn.Dropout)",
            message="Dropout is layer 0 of {len(model)}: it drops pixels. In the last pass "
            "{(model[0].train()(pixels) == 0).float().mean():.0%} of all pixels were missing.",
            why="Dropout on the input takes away what the network is to look at, here half of the "
            "picture. Where it is wanted at all its rate is much smaller. The hidden units are "
            "what memorises.",
            misconception="dropout goes in front of everything",
            example=PROGRAM.replace("    nn.Dropout(0.5),\n", "").replace(
                "    nn.Linear(64, 100),", "    nn.Dropout(0.5),\n    nn.Linear(64, 100),"
            ),
        ),
    ),
    hints=(
        "What is the input of the dropout, and how many numbers is that?",
        "The hidden units are what the ReLU returns.",
        "Change the places of the last two layers.",
    ),
    why=(
        "The hidden units are dropped now, and the last layer makes all ten logits from those "
        "that are left. So the network learns to answer without relying on single units, and "
        "no answer is erased after it was given."
    ),
    note="This program runs without an error. Look for zeros among the logits that it prints.",
    rules=("WB112",),
)
