"""What the rate is the probability of."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

layer = nn.Dropout(0.9)
kept = [int((layer(torch.ones(10_000)) != 0).sum()) for _ in range(5)]
print("kept of 10,000 units, five times:", kept)
"""

ITEM = Question(
    name="dropout-rate-meaning",
    title="What 0.9 means",
    topic=Topic.DROPOUT,
    prompt="""\
`nn.Dropout(0.9)` is given a layer of 10,000 units, all of them 1, in training mode. How many of
them are *kept*?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="About 9,000",
            claim="min(kept) > 8000",
            why="`p` is the probability that a unit is dropped. In the paper of Srivastava et al. "
            "(2014) *p* is the probability that it is kept, as `keep_prob` was in TensorFlow 1: "
            "code taken over from there needs `1 - p`.",
            misconception="p is the probability of being kept",
            probe="""\
for p in (0.1, 0.9):
    print(f"p = {p}: {int((nn.Dropout(p)(torch.ones(10_000)) != 0).sum())} kept")
""",
        ),
        Choice(
            text="About 1,000, a different number each time",
            claim="500 < min(kept) < max(kept) < 1500",
            why="Each unit is dropped with probability 0.9, independently of the others, so one in "
            "ten is kept on average. How many it is varies from call to call.",
            probe="""\
print("fewest", min(kept), " most", max(kept))
""",
        ),
        Choice(
            text="Exactly 1,000",
            claim="set(kept) == {1000}",
            why="Nothing counts the units. For each of them a random number is drawn on its own, "
            "so the number of those kept is itself random.",
            misconception="exactly the share p is dropped",
            probe="""\
counts = [int((layer(torch.ones(10_000)) != 0).sum()) for _ in range(200)]
print(f"of 200 calls {counts.count(1000)} kept exactly 1,000; fewest {min(counts)}, "
      f"most {max(counts)}")
""",
        ),
        Choice(
            text="All 10,000, each made smaller by 90%",
            claim="min(kept) == 10_000",
            why="A unit is either dropped, and is 0, or kept. The rate is no factor that every "
            "unit is multiplied by.",
            misconception="dropout damps all units a little",
            probe="""\
values = layer(torch.ones(10_000)).unique()
print("values that occur:", [round(value, 2) for value in values.tolist()])
""",
        ),
    ),
    hints=(
        "The layer is called Dropout: `p` is the probability of just that.",
        "Each unit is decided on by itself.",
    ),
)
