"""What ReLU does to negative values, and to their gradients."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch

celsius = torch.tensor([-5.0, -1.0, 2.0, 7.0], requires_grad=True)
out = torch.relu(celsius)
out.sum().backward()
print(out.detach())
"""

ITEM = Question(
    name="activation-relu",
    title="ReLU and its gradient",
    topic=Topic.ACTIVATION,
    prompt=(
        "Four temperatures go through ReLU, which prints `[0, 0, 2, 7]`. What is the gradient of "
        "the sum of the outputs, `celsius.grad`?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="`[0, 0, 1, 1]`",
            claim="celsius.grad.tolist() == [0, 0, 1, 1]",
            probe='print("celsius.grad =", celsius.grad)\n',
            why=(
                "Above 0 ReLU is the identity, whose slope is 1; below 0 it is constant, whose "
                "slope is 0. So whatever is negative learns nothing from this example."
            ),
        ),
        Choice(
            text="`[1, 1, 1, 1]`",
            claim="celsius.grad.tolist() == [1, 1, 1, 1]",
            misconception="the gradient passes ReLU unchanged",
            probe=(
                'print("celsius.grad =", celsius.grad)\n'
                'print("relu(-5) =", torch.relu(torch.tensor(-5.0)).item())\n'
                'print("relu(-4.9) =", torch.relu(torch.tensor(-4.9)).item())\n'
            ),
            why=(
                "From -5 to -4.9 the output stays 0, so the slope there is 0, not 1. The gradient "
                "passes where the value passed, and nowhere else."
            ),
        ),
        Choice(
            text="`[-1, -1, 1, 1]`",
            claim="celsius.grad.tolist() == [-1, -1, 1, 1]",
            misconception="ReLU turns negative values round, like abs",
            probe=(
                "other = torch.tensor([-5.0, -1.0, 2.0, 7.0], requires_grad=True)\n"
                "other.abs().sum().backward()\n"
                'print("with abs: ", other.grad)\n'
                'print("with ReLU:", celsius.grad)\n'
            ),
            why=(
                "That is the gradient of `abs`, which makes 5 of -5. ReLU makes 0 of it, and stays "
                "at 0 to its left and right: slope 0."
            ),
        ),
        Choice(
            text="`[0, 0, 2, 7]`, the same as the output",
            claim="celsius.grad.tolist() == [0, 0, 2, 7]",
            misconception="the gradient of ReLU is its output",
            probe=(
                'print("output:  ", out.detach())\n'
                'print("gradient:", celsius.grad)\n'
                "at_7, beyond = torch.relu(torch.tensor([7.0, 7.1]))\n"
                'print("relu(7.1) - relu(7) =", (beyond - at_7).item())\n'
            ),
            why=(
                "The gradient says how much the output changes per unit of input: from 7 to 7.1 it "
                "changes by 0.1, so the slope is 1, no matter how large the value is."
            ),
        ),
    ),
    hints=(
        "Draw relu(x). What is its slope at -5, and at 7?",
        "A flat line has slope 0, the identity has slope 1.",
    ),
)
