"""Dropout: mask, scale, training against evaluation."""

from dataclasses import replace

from wolfsbane.learn.controls import Number, Options
from wolfsbane.learn.lesson import Claim, Prediction, Section, Step
from wolfsbane.learn.sections.settings import DATA, SEED

INTRODUCTION = """
A student who practises with some of the questions missing cannot rely on any one of them. Dropout
does that to the units of a network: in training, each value that passes through the layer is set to
zero with probability `p`, and the rest are scaled up. In evaluation the layer passes everything on
as it is.

So `nn.Dropout(p)` has no weights, one number and two modes. `p` is the share that is **dropped**,
between 0 and 1: `nn.Dropout(0.3)` drops three values in ten on
average.
"""

RATE = Number("p", "Drop probability p", 0.1, 0.9, 0.05, 0.5)

MODES = Step(
    name="train-and-eval",
    title="One batch, two modes",
    prediction=Prediction(
        "With p as set below: what happens in training to a value that is **kept**?",
        (
            "It stays as it is",
            "It is multiplied by 1 - p",
            "It is divided by 1 - p",
        ),
    ),
    task="dropout:modes",
    controls=(
        Number("p", "Drop probability p", 0.1, 0.9, 0.05, 0.75),
        Options(
            "values",
            "Values of the batch",
            (("ones", "all ones"), ("digits", "whole numbers from 1 to 9")),
            "ones",
        ),
        replace(SEED, default=3),
    ),
    explanation="""
In training `y = mask * x / (1 - p)`, where each element of the mask is 0 with probability p and 1
otherwise. In evaluation `y = x`. The division is what makes the two agree on average, and it is
done in training so that evaluation costs nothing.

Compare the masks of the two calls: the layer draws a new one each time. The numbers come from
torch's random generator, so `torch.manual_seed` fixes them; the layer itself holds no seed. Which
of the two things it does depends on `layer.training` alone, which `train()` and `eval()` set.
""",
    seconds=1,
)

EXPECTATION = Step(
    name="expectation",
    title="The mean over many masks",
    prediction=Prediction(
        "The values 1, 2, 3 and 4 go through the same layer many times, in training. "
        "What does the mean of the outputs come near to?",
        (
            "To (1 - p) times the value, as only that share is kept",
            "To the value itself, which is what evaluation gives",
            "To the value divided by 1 - p, as kept values are scaled up",
        ),
    ),
    task="dropout:expectation",
    controls=(RATE, Number("masks", "Number of masks", 500, 10_000, 500, 2000), SEED),
    explanation="""
A share of 1 - p is kept, and what is kept is divided by 1 - p: the two cancel, so the expectation
of each output is its input. So the next layer sees inputs of the same size on average in both
modes, and its weights fit both. What does differ is the spread, and it grows with p: compare the
largest output at 0.5 and at 0.9.
""",
    seconds=1,
)

BACKWARD = Step(
    name="backward",
    title="The mask on the way back",
    prediction=Prediction(
        "`output.sum().backward()` goes back through the layer. Without dropout each value would "
        "get a gradient of 1. What does a value get that was **dropped**?",
        (
            "0: the same mask acts on the way back",
            "1: the mask only concerns the way forward",
            "As much as a value that was kept",
        ),
    ),
    task="dropout:backward",
    controls=(RATE, SEED),
    explanation="""
The derivative of `mask * x / (1 - p)` is `mask / (1 - p)`, so the mask of the forward pass is used
again: what was dropped learns nothing from this batch, and the rest learns from a gradient that is
scaled just as the output was. Each step thus trains one thinned network, and the next step another.
""",
    seconds=1,
)

LEFT_ON = Step(
    name="left-on",
    title="Dropout left on in evaluation",
    prediction=Prediction(
        "A trained network stays in training mode, and is asked twice about the same test "
        "examples. What does it say?",
        (
            "The same, both times",
            "Other probabilities the second time, but no other class for any example",
            "Other probabilities, and for some examples another class",
        ),
    ),
    task="monte_carlo:left_on",
    controls=(
        DATA,
        Number("p", "Drop probability p", 0.0, 0.9, 0.05, 0.5),
        Number("masks", "Passes with dropout on", 2, 300, 1, 100),
        SEED,
    ),
    explanation="""
Forgetting `model.eval()` leaves the masks in place: the answer depends on chance, and one pass is
as a rule worse than evaluation mode. Compare the table's first two rows. It is a mistake when it
happens unnoticed; the auditor calls it evaluated-in-train-mode.

Done on purpose it is Monte-Carlo dropout: the mean over many passes is an answer in its own right,
and the spread says how unsure the network is (Gal and Ghahramani,
[2016](https://arxiv.org/abs/1506.02142)). That mean is not the answer in evaluation mode: the
softmax, and the activations between the layers, are not linear.
""",
    seconds=2,
)

IDENTITY = Claim(
    "In evaluation mode the layer is the identity, bit for bit.",
    """import torch
from torch import nn

layer = nn.Dropout(0.9).eval()
x = torch.randn(1000)
print(torch.equal(layer(x), x))
assert torch.equal(layer(x), x)
""",
)

NEW_MASK = Claim(
    "Each call in training draws a new mask, and the seed decides which.",
    """import torch
from torch import nn

layer = nn.Dropout(0.5)             # a new layer is in training mode
x = torch.ones(100)

torch.manual_seed(7)
first, second = layer(x), layer(x)
torch.manual_seed(7)
again = layer(x)

print("two calls alike:", torch.equal(first, second))
print("same seed alike:", torch.equal(first, again))
assert not torch.equal(first, second)
assert torch.equal(first, again)
""",
)

SHARE = Claim(
    "p is the share that is dropped, not the share that is kept.",
    """import torch
from torch import nn

output = nn.Dropout(p=0.2)(torch.ones(100_000))
dropped = (output == 0).double().mean().item()
print(f"dropped: {dropped:.3f}, a kept one becomes {output.max():.3f}")
assert abs(dropped - 0.2) < 0.01    # five standard deviations are 0.0063
""",
)

GRADIENT = Claim(
    "The gradient is 0 where the value was dropped, and 1 / (1 - p) where it was kept.",
    """import torch
from torch import nn

x = torch.ones(8, requires_grad=True)
output = nn.Dropout(0.75)(x)
output.sum().backward()
print(output.detach())
print(x.grad)
assert torch.equal(x.grad, output.detach())     # x is 1, so both are mask / (1 - p)
""",
)

PERCENTAGE = Claim(
    "p is a probability: a percentage is refused when the layer is made.",
    """from torch import nn

try:
    nn.Dropout(p=30)
except ValueError as error:
    print(f"ValueError: {error}")
    refused = True
assert refused
""",
)

FUNCTIONAL = Claim(
    "`F.dropout` knows nothing of the model's mode: unless it is given `training=self.training`, "
    "it drops in evaluation too.",
    """import torch
from torch import nn
from torch.nn import functional as F


class SpamFilter(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5)        # training=True is its default


model = SpamFilter().eval()
zeros = (model(torch.ones(1000)) == 0).sum().item()
print(f"{zeros} of 1000 values dropped in evaluation mode")
assert zeros > 0
""",
)

SECTION = Section(
    name="dropout",
    title="Dropout",
    introduction=INTRODUCTION,
    steps=(MODES, EXPECTATION, BACKWARD, LEFT_ON),
    claims=(IDENTITY, NEW_MASK, SHARE, GRADIENT, PERCENTAGE, FUNCTIONAL),
    items=(
        "dropout-syntax",
        "dropout-evaluation",
        "dropout-scale",
        "dropout-expectation",
        "dropout-discarded",
        "dropout-functional",
        "dropout-seeds",
        "dropout-gradient",
    ),
    rules=("WB101", "WB103", "WB104", "WB106", "WB107", "WB203"),
)
