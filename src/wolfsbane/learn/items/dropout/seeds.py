"""What a seed fixes."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

layer = nn.Dropout(0.5)
units = torch.ones(1000)
torch.manual_seed(7)
first, second = layer(units), layer(units)
torch.manual_seed(7)
third = layer(units)
for name, mask in (("first", first), ("second", second), ("third", third)):
    print(name, mask[:10].int().tolist(), "...")
"""

ITEM = Question(
    name="dropout-seeds",
    title="What a seed repeats",
    topic=Topic.DROPOUT,
    prompt="""\
A seed is set, a dropout layer is called twice, the same seed is set again, and the layer is called
once more. Which calls drop the same of the 1,000 units?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="All three: the seed is the same",
            claim="torch.equal(first, second) and torch.equal(first, third)",
            why="A seed is where a sequence of random numbers begins. Each call uses up some of "
            "them, so the second call goes on where the first stopped.",
            misconception="a seed fixes the mask",
            probe="""\
print("first and second differ in", int((first != second).sum()), "of 1000 units")
""",
        ),
        Choice(
            text="The first and the third",
            claim="torch.equal(first, third) and not torch.equal(first, second)",
            why="The third call begins where the first began, so it draws the same numbers. To "
            "repeat a whole training, set the seed once at its start, before the weights are made.",
            probe="""\
print("first and third differ in", int((first != third).sum()), "of 1000 units,")
print("first and second in", int((first != second).sum()))
""",
        ),
        Choice(
            text="The first and the second: they follow one seed",
            claim="torch.equal(first, second) and not torch.equal(first, third)",
            why="If a layer repeated its mask, the same units would be missing throughout the "
            "training, and it would be a smaller network, nothing more. A new mask at each call is "
            "what makes it dropout.",
            misconception="the mask stays until the seed is set again",
            probe="""\
masks = torch.stack([layer(units) for _ in range(100)])
print("units that are dropped in all of 100 calls:", int((masks == 0).all(0).sum()))
""",
        ),
        Choice(
            text="None: dropout cannot be repeated",
            claim="not torch.equal(first, third) and not torch.equal(first, second)",
            why="The numbers come from torch's generator, which `torch.manual_seed` starts anew. "
            "With the same calls in the same order, on the same device, they come again.",
            misconception="dropout is beyond the reach of seeds",
            probe="""\
def training():
    torch.manual_seed(7)
    return torch.stack([layer(units) for _ in range(50)])
print("50 calls, done twice, are the same:", torch.equal(training(), training()))
""",
        ),
    ),
    hints=(
        "`torch.manual_seed` starts a sequence of random numbers. What does a call do with them?",
        "Which two calls come directly after a `manual_seed`?",
    ),
)
