"""GELU against ReLU, LeakyReLU and sigmoid, by what they make of negative values."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

scores = torch.tensor([-10.0, -1.0, 1.0])

def printed_line(act):
    return [round(value, 3) for value in act(scores).tolist()]

def dips(act):
    far, near, _ = act(scores).tolist()
    return near < -0.1 and abs(far) < 0.001
"""

ITEM = Question(
    name="activation-dips",
    title="Below zero, and back",
    topic=Topic.ACTIVATION,
    prompt=(
        "One of these activations makes a clearly **negative** number of -1, and practically 0 of "
        "-10. Which?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="`nn.ReLU()`",
            claim="dips(nn.ReLU())",
            misconception="ReLU lets small negative values through",
            probe='print("at -10, -1, 1:", printed_line(nn.ReLU()))\n',
            why="ReLU makes 0 of every negative number, near 0 as well as far from it.",
        ),
        Choice(
            text="`nn.LeakyReLU()`",
            claim="dips(nn.LeakyReLU())",
            misconception="LeakyReLU fades to 0 for very negative values",
            probe='print("at -10, -1, 1:", printed_line(nn.LeakyReLU()))\n',
            why=(
                "It multiplies negative values by 0.01, so -1 is hardly below 0, and -10 is ten "
                "times as far: a straight line with a small slope, which never comes back. That "
                "slope is its purpose: no unit dies."
            ),
        ),
        Choice(
            text="`nn.GELU()`",
            claim="dips(nn.GELU())",
            probe=(
                "x = torch.tensor([-3.0, -2.0, -1.0, -0.75, -0.5, 0.0, 1.0])\n"
                'print("at    ", x.tolist())\n'
                'print("GELU: ", [round(value, 2) for value in nn.GELU()(x).tolist()])\n'
                'print("ReLU: ", nn.ReLU()(x).tolist())\n'
            ),
            why=(
                "GELU is x times the share of a normal distribution below x. It is smooth, dips to "
                "about -0.17 near -0.75 and fades to 0 on the left, to x on the right. Having a "
                "slope below 0, it lets a gradient through where ReLU lets none."
            ),
        ),
        Choice(
            text="`nn.Sigmoid()`",
            claim="dips(nn.Sigmoid())",
            misconception="sigmoid gives negative values for negative inputs",
            probe='print("at -10, -1, 1:", printed_line(nn.Sigmoid()))\n',
            why=(
                "It does come to 0 on the left, but from above: a sigmoid lies between 0 and 1, "
                "and is 0.5 at 0."
            ),
        ),
    ),
    hints=(
        "Two of the four are never negative. Which?",
        "Of the other two, one is a straight line to the left of 0.",
    ),
)
