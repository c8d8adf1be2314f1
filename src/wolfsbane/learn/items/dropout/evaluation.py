"""What a dropout layer does in either mode."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

layer = nn.Dropout(0.5)
layer.train()
out = layer(torch.ones(4))
print("training  ", out)
layer.eval()
out = layer(torch.ones(4))
print("evaluation", out)
"""

ITEM = Question(
    name="dropout-evaluation",
    title="The same layer in evaluation",
    topic=Topic.DROPOUT,
    prompt="""\
The same layer is called twice with four ones, first in training mode and then in evaluation mode.

What does the second call return?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="Zeros and twos at random, such as `[2, 0, 0, 2]`",
            claim="set(out.tolist()) <= {0.0, 2.0}",
            why="That is what training returns. `eval()` sets the layer's `training` to False, and "
            "from then on the layer hands on what it is given.",
            misconception="dropout also drops in evaluation",
            probe="""\
print("training  ", [layer.train()(torch.ones(4)).tolist() for _ in range(3)])
print("evaluation", [layer.eval()(torch.ones(4)).tolist() for _ in range(3)])
""",
        ),
        Choice(
            text="Halves: `[0.5, 0.5, 0.5, 0.5]`",
            claim="out.tolist() == [0.5] * 4",
            why="Srivastava et al. (2014) scale in evaluation, by the share kept, 1 - p. PyTorch "
            "scales in training instead: kept values are divided by 1 - p, so the mean is right "
            "already and nothing is left to do in evaluation.",
            misconception="evaluation scales by 1 - p",
            probe="""\
many = torch.ones(100_000)
print(f"mean in training   {layer.train()(many).mean():.2f}")
print(f"mean in evaluation {layer.eval()(many).mean():.2f}")
""",
        ),
        Choice(
            text="Ones: `[1, 1, 1, 1]`",
            claim="out.tolist() == [1.0] * 4",
            why="In evaluation dropout is the identity: nothing is dropped and nothing is scaled. "
            "That is right because training has already divided what it kept by 1 - p.",
            probe="""\
readings = torch.randn(1000)
print("values changed in evaluation:", int((layer.eval()(readings) != readings).sum()))
""",
        ),
        Choice(
            text="Zeros: `[0, 0, 0, 0]`",
            claim="out.tolist() == [0.0] * 4",
            why="`eval()` switches the dropping off, not the values. A network whose layers "
            "returned zeros in evaluation could not answer anything.",
            misconception="eval() switches the units off",
            probe="""\
print("training flag:", layer.eval().training)
print("sum of 1000 ones in evaluation:", layer.eval()(torch.ones(1000)).sum().item())
""",
        ),
    ),
    hints=(
        "`eval()` is called between the two.",
        "In evaluation a network should give the same answer to the same question each time.",
        "In evaluation dropout changes nothing.",
    ),
)
