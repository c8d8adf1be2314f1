"""The very first exercise: how exercises work."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch

degrees = torch.tensor([19.0, 21.0, 23.0])  # a thermometer, read three times
print(degrees.mean())
"""

ITEM = Question(
    name="welcome",
    title="How exercises work",
    topic=Topic.DROPOUT,
    prompt="""\
This first exercise is easy on purpose: it only shows how the others work. You say what you expect,
the program really runs, and PyTorch's own output decides. Answers are not counted, so a guess costs
nothing, and you may answer as often as you like.

Which number does this program print?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="`21`, the mean of the three",
            claim="degrees.mean().item() == 21",
            why="The three readings add up to 63, and 63 / 3 is 21. PyTorch prints it as a tensor, "
            "because `mean()` returns one; `.item()` makes it a Python number.",
            probe="print(degrees.mean().item())\n",
        ),
        Choice(
            text="`63`, the sum of the three",
            claim="degrees.mean().item() == 63",
            why="That is what `sum()` returns. `mean()` divides it by the number of values. Choose "
            "again: that is all there is to an exercise.",
            misconception="the mean is the sum",
            probe='print("sum", degrees.sum().item(), " mean", degrees.mean().item())\n',
        ),
        Choice(
            text="`3`, how many there are",
            claim="degrees.mean().item() == 3",
            why="How many values a tensor has is `numel()`. `mean()` looks at the values "
            "themselves. Choose again: that is all there is to an exercise.",
            misconception="the mean is the number of values",
            probe='print("values", degrees.numel(), " mean", degrees.mean().item())\n',
        ),
    ),
    hints=("The middle one of the three readings is a good guess.", "(19 + 21 + 23) / 3"),
)
