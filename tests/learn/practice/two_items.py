"""Two items to grade: a question on train and eval, and a training that forgets its mode."""

from wolfsbane.learn.practice.item import Check, Choice, Question, Repair, Topic

QUESTION = Question(
    name="two-modes",
    title="Two modes",
    topic=Topic.DROPOUT,
    prompt="What does the second call return?",
    program="""\
import torch
from torch import nn

layer = nn.Dropout(0.3)
layer.train()
first = layer(torch.ones(4))
layer.eval()
second = layer(torch.ones(4))
print(second)
""",
    choices=(
        Choice("the ones", "torch.equal(second, torch.ones(4))", why="eval() switches it off."),
        Choice(
            "the ones times 0.7",
            "torch.equal(second, torch.ones(4) * 0.7)",
            why="torch scales in training.",
            misconception="dropout scales in evaluation",
            probe="print(layer(torch.ones(4)).sum())",
            rule="WB203",
        ),
        Choice(
            "an error",
            "layer(rate=0.3) is None",
            why="It takes one tensor.",
            misconception="the rate is an argument of the call",
            probe="layer(rate=0.3)",
        ),
    ),
    hints=("Which mode is it in?",),
)

BROKEN = """\
import torch
from torch import nn

model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
inputs, targets = torch.randn(32, 4), torch.randint(2, (32,))
for epoch in range(5):
    loss = nn.functional.cross_entropy(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(inputs).argmax(1) == targets).float().mean()
    print(epoch, float(accuracy))
"""
MENDED = BROKEN.replace("epoch in range(5):\n", "epoch in range(5):\n    model.train()\n")
WITHOUT_DROPOUT = MENDED.replace("nn.Dropout(0.5), ", "")

REPAIR = Repair(
    name="forgotten-train",
    title="Forgotten",
    topic=Topic.DROPOUT,
    prompt="Dropout is on in the first epoch only.",
    program=BROKEN,
    solution=MENDED,
    checks=(
        Check(
            claim="any(isinstance(layer, nn.Dropout) for layer in model)",
            message="The model has {len(model)} layers, none of them dropout.",
            why="Dropout is to stay.",
            misconception="without dropout there is no mode",
            example=WITHOUT_DROPOUT,
            rule="WB103",
        ),
    ),
    hints=("What does eval() change?",),
    note="This program is meant to fail.",
    rules=("WB201",),
)
