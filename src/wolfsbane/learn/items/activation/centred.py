"""Tanh and sigmoid: the range of each, and what the next layer gets."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch

voltages = torch.randn(10_000)  # of a sensor, standardised: mean 0
by_sigmoid = torch.sigmoid(voltages)
by_tanh = torch.tanh(voltages)
means = (by_sigmoid.mean().item(), by_tanh.mean().item())
print(f"means: sigmoid {means[0]:.2f}, tanh {means[1]:.2f}")
"""

ITEM = Question(
    name="activation-centred",
    title="Sigmoid and tanh as hidden activations",
    topic=Topic.ACTIVATION,
    prompt=(
        "Both have the form of an S. Ten thousand standardised voltages go through each. How do "
        "the **means** of the results compare?"
    ),
    program=PROGRAM,
    shows_program=False,
    choices=(
        Choice(
            text="Both about 0, as that of the voltages",
            claim="abs(means[0]) < 0.1 and abs(means[1]) < 0.1",
            misconception="sigmoid is centred at 0",
            probe=(
                'print("sigmoid(0) =", torch.sigmoid(torch.tensor(0.0)).item())\n'
                'print("tanh(0)    =", torch.tanh(torch.tensor(0.0)).item())\n'
            ),
            why=(
                "For tanh, yes. A sigmoid makes 0.5 of 0, and nothing below 0 of anything: it is "
                "meant as a probability. The next layer gets inputs that are all positive."
            ),
        ),
        Choice(
            text="Sigmoid about 0.5, tanh about 0",
            claim="abs(means[0] - 0.5) < 0.1 and abs(means[1]) < 0.1",
            probe=(
                'print("sigmoid lies between", by_sigmoid.min().item(), "and", '
                "by_sigmoid.max().item())\n"
                'print("tanh lies between   ", by_tanh.min().item(), "and", by_tanh.max().item())\n'
                'print("tanh(x) less 2 sigmoid(2x) - 1, at most:",\n'
                "      (by_tanh - (2 * torch.sigmoid(2 * voltages) - 1)).abs().max().item())\n"
            ),
            why=(
                "tanh is a sigmoid that is stretched: tanh(x) = 2 sigmoid(2x) - 1. Being centred, "
                "and four times as steep in the middle, it is the better of the two between "
                "layers; a sigmoid belongs where a probability is wanted."
            ),
        ),
        Choice(
            text="Both about 0.5",
            claim="abs(means[0] - 0.5) < 0.1 and abs(means[1] - 0.5) < 0.1",
            misconception="tanh lies between 0 and 1",
            probe=(
                'print("smallest of tanh:", by_tanh.min().item())\n'
                'print("smallest of sigmoid:", by_sigmoid.min().item())\n'
            ),
            why=(
                "tanh goes from -1 to 1. It is the sigmoid that goes from 0 to 1, with 0.5 in the "
                "middle."
            ),
        ),
        Choice(
            text="Sigmoid about 0, tanh about 0.5",
            claim="abs(means[0]) < 0.1 and abs(means[1] - 0.5) < 0.1",
            misconception="tanh is the one that gives probabilities",
            probe='print(f"means: sigmoid {means[0]:.2f}, tanh {means[1]:.2f}")\n',
            why=(
                "It is the other way round: sigmoid gives what can be read as a probability, "
                "between 0 and 1; tanh keeps the sign of its input."
            ),
        ),
    ),
    hints=(
        "What do sigmoid and tanh make of 0?",
        "One goes from 0 to 1, the other from -1 to 1.",
    ),
)
