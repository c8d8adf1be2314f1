"""Which call makes a dropout layer."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
from torch import nn

def attempt(make):
    try:
        layer = make()
    except (TypeError, ValueError) as error:
        return error
    return layer

for call in ("nn.Dropout(p=30)", "nn.Dropout(0.3)", "nn.Dropout(rate=0.3)", "nn.Dropout(30)"):
    print(f"{call}: {type(attempt(lambda: eval(call))).__name__}")
"""

ITEM = Question(
    name="dropout-syntax",
    title="A layer that drops 30%",
    topic=Topic.DROPOUT,
    prompt="""\
You want a layer that drops each value with a probability of 30%. Which of these calls makes one?
All four are really made.
""",
    program=PROGRAM,
    note="Three of the four calls are meant to fail. Their errors are the real ones.",
    choices=(
        Choice(
            text="`nn.Dropout(p=30)`",
            claim="isinstance(attempt(lambda: nn.Dropout(p=30)), nn.Dropout)",
            why="The argument's name is right; its value is a probability, from 0 to 1, and not a "
            "percentage. 30% is `p=0.3`.",
            misconception="p is a percentage",
            probe="layer = nn.Dropout(p=30)\n",
            rule="WB106",
        ),
        Choice(
            text="`nn.Dropout(0.3)`",
            claim="isinstance(attempt(lambda: nn.Dropout(0.3)), nn.Dropout)",
            why="The first argument is `p`, the probability with which a value is dropped. With "
            "its name it reads `nn.Dropout(p=0.3)`.",
            probe="print(nn.Dropout(0.3))\n",
        ),
        Choice(
            text="`nn.Dropout(rate=0.3)`",
            claim="isinstance(attempt(lambda: nn.Dropout(rate=0.3)), nn.Dropout)",
            why="0.3 is the right value, but `rate` is what Keras calls it. PyTorch's argument is "
            "`p`.",
            misconception="the argument is called rate, as in Keras",
            probe="layer = nn.Dropout(rate=0.3)\n",
            rule="WB107",
        ),
        Choice(
            text="`nn.Dropout(30)`",
            claim="isinstance(attempt(lambda: nn.Dropout(30)), nn.Dropout)",
            why="The first argument is neither a number of units to drop nor a percentage. It is a "
            "probability from 0 to 1, whatever the size of the layer.",
            misconception="dropout is given how many units to drop",
            probe="""\
print("a probability of 0.3 is fine:", nn.Dropout(0.3))
layer = nn.Dropout(30)
""",
            rule="WB106",
        ),
    ),
    hints=(
        "A probability lies between 0 and 1.",
        "PyTorch calls it `p`, and it is the first argument.",
    ),
    shows_program=False,
)
