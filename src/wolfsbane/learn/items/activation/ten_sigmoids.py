"""How the gradient shrinks through ten sigmoids."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch

signal = torch.zeros(1, requires_grad=True)
out = signal
for layer in range(10):
    out = torch.sigmoid(out)
out.backward()
gradient = signal.grad.item()
print("output:", out.item())
"""

ITEM = Question(
    name="activation-ten-sigmoids",
    title="Ten sigmoids deep",
    topic=Topic.ACTIVATION,
    prompt=(
        "A signal of 0, in the middle of sigmoid's range, goes through ten sigmoids one after the "
        "other. How large is the gradient of the last output with respect to the signal?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="About 1: the middle of the range is not saturated",
            claim="gradient > 0.3",
            misconception="a sigmoid passes the gradient where it is not saturated",
            probe=(
                "x = torch.tensor([-6.0, -2.0, 0.0, 2.0, 6.0], requires_grad=True)\n"
                "torch.sigmoid(x).sum().backward()\n"
                'print("at  ", x.tolist())\n'
                'print("slope", x.grad)\n'
            ),
            why=(
                "Even in the very middle the slope is only 1/4, the most it ever is. So each "
                "sigmoid takes at least three quarters of the gradient; at the ends nearly all."
            ),
            rule="WB406",
        ),
        Choice(
            text="About 1/4, the slope of a sigmoid in its middle",
            claim="0.1 < gradient <= 0.3",
            misconception="the slopes of layers do not multiply",
            probe=(
                "for depth in (1, 2, 3, 5, 10):\n"
                "    x = torch.zeros(1, requires_grad=True)\n"
                "    y = x\n"
                "    for layer in range(depth):\n"
                "        y = torch.sigmoid(y)\n"
                "    y.backward()\n"
                '    print(f"{depth:2} sigmoids: {x.grad.item():.1e}")\n'
            ),
            why=(
                "That holds for one. By the chain rule the slopes of all ten are **multiplied**, "
                "and ten factors of at most 1/4 are at most a millionth."
            ),
        ),
        Choice(
            text="About 1/40: ten layers, a tenth of 1/4",
            claim="0.01 < gradient <= 0.1",
            misconception="the gradient shrinks in proportion to the depth",
            probe=(
                'print("1/40:      ", 1 / 40)\n'
                'print("(1/4)**10: ", (1 / 4) ** 10)\n'
                'print("measured:  ", gradient)\n'
            ),
            why=(
                "Depth does not divide, it multiplies: each layer leaves at most a quarter of what "
                "the one after it has left. That is a power of the depth, far less than a "
                "fraction of it."
            ),
        ),
        Choice(
            text="Less than a millionth",
            claim="0 < gradient < 1e-6",
            probe='print("measured:", gradient, "; at most (1/4)**10 =", 0.25**10)\n',
            why=(
                "At most (1/4)¹⁰, and less here, since only the first sigmoid is in its middle. "
                "Weights can make up for a part of it. ReLU's slope is 1 wherever it passes "
                "anything, which is why deep networks are built with it."
            ),
        ),
    ),
    hints=(
        "sigmoid'(x) = sigmoid(x) (1 - sigmoid(x)). What is the most that it can be?",
        "The chain rule multiplies. What is (1/4)**10?",
    ),
)
