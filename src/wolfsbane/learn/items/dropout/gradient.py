"""What the backward pass makes of the mask."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

hidden = torch.rand(1000).add(0.1).requires_grad_()
out = nn.Dropout(0.5)(hidden)
out.sum().backward()
print("output  ", [round(value, 2) for value in out[:8].tolist()])
print("gradient", hidden.grad[:8].tolist())
"""

ITEM = Question(
    name="dropout-gradient",
    title="The gradient through dropout",
    topic=Topic.DROPOUT,
    prompt="""\
1,000 hidden units, none of them 0, go through `nn.Dropout(0.5)` in training mode. The loss is the
sum of what comes out. What is the gradient of the loss with respect to the hidden units?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="1 for each: the derivative of a sum",
            claim="bool((hidden.grad == 1).all())",
            why="That would be so without the dropout. A dropped unit has no part in the sum, so "
            "its gradient is 0: it learns nothing from this step.",
            misconception="dropout does not act in the backward pass",
            probe="""\
print("units with gradient 0:", int((hidden.grad == 0).sum()), "of 1000")
""",
        ),
        Choice(
            text="0 for dropped units, 1 for kept ones",
            claim="torch.equal(hidden.grad, (out != 0).float())",
            why="What is kept was multiplied by 1 / (1 - p) on the way forward, and the chain rule "
            "multiplies the gradient by the same factor.",
            misconception="the scale acts in the forward pass alone",
            probe="""\
for p in (0.2, 0.5, 0.8):
    leaf = torch.ones(1000, requires_grad=True)
    nn.Dropout(p)(leaf).sum().backward()
    print(f"p = {p}: gradient of a kept unit {leaf.grad.max():.2f}")
""",
        ),
        Choice(
            text="0 and 2, from a mask of its own",
            claim="set(hidden.grad.tolist()) == {0.0, 2.0} "
            "and bool(((hidden.grad != 0) != (out != 0)).any())",
            why="The backward pass uses the very mask of the forward pass: it is kept, or drawn "
            "again from the same random numbers. With another mask it would not be the gradient "
            "of the loss.",
            misconception="the backward pass draws a new mask",
            probe="""\
differs = (hidden.grad != 0) != (out != 0)
print("units kept in one direction and dropped in the other:", int(differs.sum()), "of 1000")
""",
        ),
        Choice(
            text="0 for dropped units, 2 for kept ones",
            claim="torch.equal(hidden.grad, 2 * (out != 0).float())",
            why="Dropout multiplies by a mask of zeros and 1 / (1 - p). That is linear, so the "
            "gradient is multiplied by the same mask.",
            probe="""\
mask = out / hidden
print("output / hidden is the gradient:", torch.allclose(mask, hidden.grad))
""",
        ),
    ),
    hints=(
        "In this step, does the loss change if a dropped unit changes a little?",
        "And if a kept unit grows by 0.1, by how much does the output grow?",
    ),
)
