"""What a stack of linear layers can do: no more than one of them."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

deep = nn.Sequential(nn.Linear(3, 50), nn.Linear(50, 50), nn.Linear(50, 1)).double()
single = nn.Linear(3, 1).double()
with torch.no_grad():
    single.weight.copy_(deep[2].weight @ deep[1].weight @ deep[0].weight)
    single.bias.copy_(deep(torch.zeros(3).double()))
    houses = torch.randn(100, 3).double()  # area, rooms, age: standardised
    difference = (deep(houses) - single(houses)).abs().max().item()
    middle = deep((houses[:50] + houses[50:]) / 2)
    bend = (middle - (deep(houses[:50]) + deep(houses[50:])) / 2).abs().max().item()
parameters = [sum(each.numel() for each in net.parameters()) for net in (deep, single)]
print("parameters:", parameters, "largest difference:", difference)
"""

ITEM = Question(
    name="activation-linear-stack",
    title="Three linear layers, no activation",
    topic=Topic.ACTIVATION,
    prompt=(
        "`deep` predicts the price of a house by three linear layers in a row. Compared with one "
        "`nn.Linear(3, 1)`, what can it express?"
    ),
    program=PROGRAM,
    shows_program=False,
    choices=(
        Choice(
            text="More: it has far more parameters",
            claim="parameters[0] > parameters[1] and difference > 1e-6",
            misconception="more parameters always express more",
            probe=(
                'print("parameters of deep:  ", parameters[0])\n'
                'print("parameters of single:", parameters[1])\n'
                'print("largest difference of their 100 prices:", difference)\n'
            ),
            why=(
                "It has more parameters, and they are worth nothing: one layer, whose weight is "
                "the product of the three matrices, gives the same price for every house. Training "
                "and memory cost more, that is all."
            ),
            rule="WB404",
        ),
        Choice(
            text="Curves: each further layer can bend the result once more",
            claim="bend > 1e-6",
            misconception="depth alone makes a network non-linear",
            probe=(
                'print("price halfway between two houses, less the mean of their prices,")\n'
                'print("at most:", bend)\n'
                "with torch.no_grad():\n"
                "    relu = nn.Sequential(deep[0], nn.ReLU(), deep[1], nn.ReLU(), deep[2])\n"
                "    middle = relu((houses[:50] + houses[50:]) / 2)\n"
                "    mean = (relu(houses[:50]) + relu(houses[50:])) / 2\n"
                'print("the same with ReLU between the layers:", '
                "(middle - mean).abs().max().item())\n"
            ),
            why=(
                "Halfway between two houses the price is exactly the mean of their prices: a plane "
                "without a bend, at any depth. The bends come from the activations between the "
                "layers."
            ),
            rule="WB404",
        ),
        Choice(
            text="The same: one layer with the right weights gives every one of its results",
            claim="difference < 1e-6",
            probe='print("largest difference:", difference)\n',
            why=(
                "W3 (W2 (W1 x)) is (W3 W2 W1) x, and the biases add up to one. What makes layers "
                "worth stacking is a function between them that is not linear."
            ),
            rule="WB404",
        ),
    ),
    hints=(
        "Multiply out W2 (W1 x + b1) + b2. What kind of function of x is it?",
        "A product of matrices is a matrix.",
    ),
)
