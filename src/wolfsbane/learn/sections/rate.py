"""The rate: where dropout helps, and where it does not."""

from wolfsbane.learn.controls import Number
from wolfsbane.learn.lesson import Claim, Prediction, Section, Step
from wolfsbane.learn.sections.settings import DATA, LABEL_NOISE, SEED, TRAIN_SIZE, WIDTH

INTRODUCTION = """
Which p is right? It depends on what there is to memorise: on the number of examples, the share of
wrong labels among them, the width of the network. There is no formula for it, so one measures.

To measure honestly takes three things. Rates are compared under the same seeds, so that data,
initial weights and batches are the same for all. The rate is chosen by validation examples, and the
test examples only say what it was worth. And a difference counts once its interval over several
seeds leaves out zero; until then no difference can be told.
"""

EPOCHS = Number("epochs", "Epochs of each training", 5, 120, 5, 40)

SWEEP = Step(
    name="sweep",
    title="A sweep over rates",
    prediction=Prediction(
        "Networks are trained with p = 0, 0.2, 0.4, 0.6 and 0.8. The best rate above 0, by "
        "validation loss, is then compared with p = 0 on four new seeds. What does it do to test "
        "accuracy, with the settings below?",
        (
            "It raises it",
            "No difference can be told",
            "It lowers it",
        ),
    ),
    task="rate:sweep",
    controls=(
        DATA,
        LABEL_NOISE,
        TRAIN_SIZE,
        WIDTH,
        EPOCHS,
        Number("seeds", "Seeds of the sweep", 1, 3, 1, 3),
        SEED,
    ),
    explanation="""
Each point is one training; the spread of the points of one rate is what the seed alone does. Look
at both charts. The negative log-likelihood also counts how sure the network was, and as a rule it
tells rates apart better than accuracy does, which is why the choice is made by it.

The new seeds are there because the winner of a sweep owes part of its lead to chance. Now set the
share of wrong labels to 0 and take 800 examples: accuracy becomes nearly flat in p, and that is a
result too. `wolfsbane tune` does the same for your network and your data: it searches the rates,
and proves the gain on seeds that had no part in the search.
""",
    seconds=10,
)

CONDITIONS = Step(
    name="where",
    title="Where it helps",
    prediction=Prediction(
        "One rate against none: on 800 examples or 100, all labels right or 30% wrong. Where is "
        "the gain in test accuracy largest, among those that can be told?",
        (
            "Many examples, right labels",
            "Few examples, right labels",
            "Many examples, 30% wrong",
            "Few examples, 30% wrong",
            "Nowhere can a gain be told",
        ),
    ),
    task="rate_conditions:where",
    controls=(
        DATA,
        Number("p", "Drop probability p", 0.0, 0.9, 0.05, 0.5),
        WIDTH,
        EPOCHS,
        SEED,
    ),
    explanation="""
Dropout takes away what memorising needs, so it can give most where memorising costs most: compare
the accuracy at p = 0 under the four conditions. With many examples and right labels there is little
to win. Under a condition without a verdict the gain may still be there; three seeds were too few to
see it, and the width of the interval says how much would have been seen.

A narrow network cannot memorise in the first place, and dropout makes it narrower still. Try 8
units.
""",
    seconds=15,
)

LEADERS = Step(
    name="early-epochs",
    title="The first epochs mislead",
    prediction=Prediction(
        "After a tenth of the epochs one rate has the lowest validation loss. Does it have it at "
        "the end as well?",
        (
            "Yes, the same rate leads",
            "No, a higher rate leads at the end",
            "No, a lower rate leads at the end",
        ),
    ),
    task="rate_epochs:leaders",
    controls=(DATA, LABEL_NOISE, TRAIN_SIZE, WIDTH, EPOCHS, SEED),
    explanation="""
A high rate learns more slowly, and memorises more slowly. Early on only the first shows, later the
second. A search that gives up early on what looks bad can throw the right rate away, so
`wolfsbane tune` gives up on none before half of the epochs.

Stopping early does part of dropout's work: compare the lowest point of the line for p = 0 with the
end of the others.
""",
    seconds=4,
)

NOISE_OF_SEEDS = Claim(
    "The spread over masks grows with p: the variance of an output is `p / (1 - p)` times the "
    "square of the value.",
    """import torch
from torch import nn

x = torch.ones(200_000)
for p in (0.2, 0.5, 0.8):
    variance = nn.Dropout(p)(x).var().item()
    print(f"p = {p}: variance {variance:.3f}, p / (1 - p) = {p / (1 - p):.3f}")
    assert abs(variance - p / (1 - p)) < 0.1 * p / (1 - p)
""",
)

CHANGE = Claim(
    "The rate of a layer can be changed at any time: it is read at each call.",
    """import torch
from torch import nn

layer, x = nn.Dropout(0.1), torch.ones(10_000)
for p in (0.1, 0.5, 0.9):
    layer.p = p
    dropped = (layer(x) == 0).double().mean().item()
    print(f"p = {p}: {dropped:.1%} dropped")
    assert abs(dropped - p) < 0.05
""",
)

EXTREMES = Claim(
    "p = 0 does nothing, and p = 1 leaves nothing but zeros, through which no gradient passes.",
    """import torch
from torch import nn

x = torch.randn(5, requires_grad=True)
print("p = 0:", nn.Dropout(0.0)(x).detach())
output = nn.Dropout(1.0)(x)
output.sum().backward()
print("p = 1:", output.detach(), "gradient:", x.grad)
assert torch.equal(nn.Dropout(0.0)(x), x)
assert not output.any() and not x.grad.any()
""",
)

PAIRED = Claim(
    "Two networks that differ only in p have the same initial weights under one seed, as dropout "
    "has none of its own: so their results may be compared in pairs.",
    """import torch
from torch import nn


def spam_filter(p):
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(57, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, 2))


none, half = spam_filter(0.0), spam_filter(0.5)
alike = [torch.equal(a, b) for a, b in zip(none.parameters(), half.parameters())]
print("weights and biases alike:", alike)
assert all(alike)
""",
)

SECTION = Section(
    name="rate",
    title="The rate",
    introduction=INTRODUCTION,
    steps=(SWEEP, CONDITIONS, LEADERS),
    claims=(NOISE_OF_SEEDS, CHANGE, EXTREMES, PAIRED),
    items=(
        "dropout-rate-meaning",
        "dropout-extremes",
        "dropout-one-level",
        "dropout-saved",
    ),
    rules=("WB106", "WB108", "WB109", "WB110", "WB113"),
)
