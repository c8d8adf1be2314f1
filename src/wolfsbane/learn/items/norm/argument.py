"""What the argument of BatchNorm1d counts: features."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

digits = torch.randn(64, 784)  # a batch of 64 digits of 28 x 28 pixels
features = nn.Linear(784, 100)(digits)

def normalises(make_layer):
    try:
        out = make_layer()(features)
    except (TypeError, ValueError, RuntimeError):
        return False
    return bool((out.std(dim=0) - 1).abs().max() < 0.05)

print(features.shape)
"""

ITEM = Question(
    name="norm-argument",
    title="The argument of BatchNorm1d",
    topic=Topic.NORM,
    prompt=(
        "A batch of 64 digits, each reduced to 100 features by a linear layer. Which batch norm "
        "comes after it?"
    ),
    program=PROGRAM,
    note="Wrong arguments are meant to fail. Their errors are torch's own.",
    choices=(
        Choice(
            text="`nn.BatchNorm1d(64)`",
            claim="normalises(lambda: nn.BatchNorm1d(64))",
            misconception="the argument is the batch size",
            probe="nn.BatchNorm1d(64)(features)\n",
            why=(
                "64 is the batch size, and the layer is not told that: a batch may be of any size. "
                "It has to know for how many **features** it keeps a mean, a variance, a weight "
                "and a bias. torch's message says the same: 100 are needed."
            ),
        ),
        Choice(
            text="`nn.BatchNorm1d(64, 100)`",
            claim="normalises(lambda: nn.BatchNorm1d(64, 100))",
            misconception="the arguments are the shape of the input",
            probe="norm = nn.BatchNorm1d(64, 100)\nprint(norm)\nnorm(features)\n",
            why=(
                "There is no argument for the shape. The second one is `eps`, the small number "
                "that is added to the variance: look at what the layer says of itself. The first "
                "one has to be the number of features, 100."
            ),
        ),
        Choice(
            text="`nn.BatchNorm1d(100, 64)`",
            claim="normalises(lambda: nn.BatchNorm1d(100, 64))",
            misconception="the batch size is the second argument",
            probe=(
                "norm = nn.BatchNorm1d(100, 64)\n"
                "print(norm)\n"
                'print("deviation of its output:", norm(features).std(dim=0).mean().item())\n'
                "right = nn.BatchNorm1d(100)\n"
                'print("deviation with eps as it is by default:", '
                "right(features).std(dim=0).mean().item())\n"
            ),
            why=(
                "This one runs, which makes it worse than an error. The second argument is `eps`: "
                "64 is added to every variance, so that hardly anything of the differences "
                "between digits is left. Give `eps` and `momentum` by name, or not at all."
            ),
        ),
        Choice(
            text="`nn.BatchNorm1d(100)`",
            claim="normalises(lambda: nn.BatchNorm1d(100))",
            probe=(
                "norm = nn.BatchNorm1d(100)\n"
                "print(norm(features).shape, norm.running_mean.shape, norm.weight.shape)\n"
            ),
            why=(
                "100 features: 100 means, variances, weights and biases. The batch may have any "
                "size."
            ),
        ),
    ),
    hints=(
        "The printed shape is (batch, features). Which of the two does a layer keep numbers for?",
        "The last batch is often smaller. What is the same in every batch?",
    ),
)
