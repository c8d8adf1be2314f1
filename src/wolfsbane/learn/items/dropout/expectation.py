"""What dropout does on average over its masks."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

degrees = torch.tensor([12.0, 20.0, 28.0])
layer = nn.Dropout(0.5)
passes = torch.stack([layer(degrees) for _ in range(4000)])
mean = passes.mean(0)
print("two of 4,000 passes", passes[0], passes[1])
print("mean of all", mean)
"""

ITEM = Question(
    name="dropout-expectation",
    title="The mean of many passes",
    topic=Topic.DROPOUT,
    prompt="""\
The same three readings go through `nn.Dropout(0.5)` 4,000 times in training mode. Each pass has its
own mask. What is the mean of all passes, about?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="Half of each reading: 6, 10, 14",
            claim="torch.allclose(mean, degrees / 2, rtol=0.15)",
            why="It would be half if kept values stayed as they are. But what is kept is divided "
            "by 1 - p, here doubled, which makes up for the half that is dropped.",
            misconception="dropout makes values smaller on average",
            probe="""\
print("kept share", [round(share, 2) for share in (passes != 0).float().mean(0).tolist()])
print("values of the first reading", passes[:, 0].unique().tolist())
""",
        ),
        Choice(
            text="The readings themselves: 12, 20, 28",
            claim="torch.allclose(mean, degrees, rtol=0.15)",
            why="Each value is 0 with probability p, and x / (1 - p) with probability 1 - p: on "
            "average it is x. That is why evaluation may hand on x itself.",
            probe="""\
for number in (10, 100, 4000):
    print(f"mean of {number} passes:", [round(v, 1) for v in passes[:number].mean(0).tolist()])
""",
        ),
        Choice(
            text="0 for some readings, and twice the reading for the others",
            claim="any(m == 0 or m == 2 * d for m, d in zip(mean.tolist(), degrees.tolist()))",
            why="That is a single pass. The next pass draws a new mask, so that over many passes "
            "each reading is dropped about as often as any other.",
            misconception="a layer keeps its mask",
            probe="""\
print("dropped in 4,000 passes, each reading:", (passes == 0).sum(0).tolist())
print("different masks in the first 100 passes:", len((passes[:100] != 0).unique(dim=0)))
""",
        ),
        Choice(
            text="The same number for all three: their mean, 20",
            claim="torch.allclose(mean, degrees.mean().expand(3), rtol=0.15)",
            why="Dropout decides on each value by itself, and mixes none with its neighbours.",
            misconception="dropout averages over the units",
            probe="""\
for place in range(3):
    print(f"reading {degrees[place]:.0f} becomes one of", passes[:, place].unique().tolist())
""",
        ),
    ),
    hints=(
        "With p = 0.5 a reading of 12 becomes either 0 or 24. How often each?",
        "Half of the passes give 0, and half give twice the reading.",
    ),
)
