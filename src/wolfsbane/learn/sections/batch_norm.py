"""Batch norm: what it normalises, running statistics, evaluation, convergence."""

from wolfsbane.learn.controls import Number, Options
from wolfsbane.learn.lesson import Claim, Prediction, Section, Step
from wolfsbane.learn.sections.settings import DATA, SEED, TRAIN_SIZE

INTRODUCTION = """
`nn.BatchNorm1d(100)` takes a batch of 100 features and brings every feature to mean 0 and variance
1, then scales and shifts it by two learned numbers, `weight` and `bias` (gamma and beta in the
paper by Ioffe and Szegedy, [2015](https://arxiv.org/abs/1502.03167)). What later layers get then
keeps its scale while the layers before it learn.

In training the mean and variance are those of the batch at hand, so an example's output depends on
the company it is in. In evaluation that must not be: there the layer uses **running statistics**,
averages that it has kept up during training. So batch norm, like dropout, has two modes.
"""

MOMENTUM = Number(
    "momentum",
    "momentum",
    0.01,
    1.0,
    0.01,
    0.1,
    "The weight of the new batch. 0.1 is torch's default.",
)

NORMALISE = Step(
    name="normalise",
    title="What it normalises",
    prediction=Prediction(
        "A batch has a row for each example and a column for each feature. In training, what does "
        "`nn.BatchNorm1d(4)` take its mean and variance over?",
        (
            "Over each column: one feature, all examples of the batch",
            "Over each row: one example, all its features",
            "Over all values of the batch together",
        ),
    ),
    task="batch_norm:normalise",
    controls=(
        Number("batch_size", "Examples in the batch", 2, 12, 1, 5),
        Number("weight", "weight (gamma)", 0.5, 3.0, 0.1, 1.0),
        Number("bias", "bias (beta)", -3.0, 3.0, 0.1, 0.0),
        SEED,
    ),
    explanation="""
In training `y = weight * (x - mean) / sqrt(variance + eps) + bias`, with one mean, variance, weight
and bias for each column. The columns came in with very different means and spreads, and leave with
the same: mean `bias` and variance `weight` squared. For pictures, `nn.BatchNorm2d` does this for
each channel, over all examples and all places.

Over each row is what `nn.LayerNorm` does. Two examples are the fewest that work, and a poor choice:
every value is then plus or minus 1.
""",
    seconds=1,
)

RUNNING = Step(
    name="running-statistics",
    title="Running statistics",
    prediction=Prediction(
        "The data's mean is 5, and a new layer's running mean is 0. How far has it come after the "
        "last step?",
        (
            "Less than half of the way",
            "Between half and nine tenths of the way",
            "Nine tenths of the way or more",
        ),
    ),
    task="running_statistics:approach",
    controls=(
        MOMENTUM,
        Number("steps", "Steps", 1, 200, 1, 10),
        Number("batch_size", "Examples in each batch", 2, 128, 1, 16),
        SEED,
    ),
    explanation="""
Each call in training moves the buffers: `running = (1 - momentum) * running + momentum * batch`.
After k steps a share of `(1 - momentum) ** k` of the first value is left, which at the default of
0.1 is 35% after ten steps. A small momentum is slow, a large one follows every batch: at 1 only the
last counts.

Two traps. The batch is normalised by its variance over N, but the buffer takes in the one over
N - 1: compare the columns. And in TensorFlow momentum is the weight of the **old** value, so its
0.99 is torch's 0.01.
""",
    seconds=1,
)

MODES = Step(
    name="two-modes",
    title="Why evaluation differs",
    prediction=Prediction(
        "A layer has seen some batches in training. The same new batch is then given to it in both "
        "modes. By how much does an output differ, at most?",
        (
            "Not at all, or by less than 0.001",
            "By up to 0.5",
            "By more than 0.5",
        ),
    ),
    task="batch_norm:modes",
    controls=(
        Number("steps", "Steps in training before", 0, 300, 1, 5),
        MOMENTUM,
        Number("batch_size", "Examples in each batch", 2, 256, 1, 16),
        SEED,
    ),
    explanation="""
Training divides by what this batch happens to be, evaluation by what was seen on average. After few
steps the averages still carry the 0 and 1 of a new layer, so a network evaluated then can be far
worse than it looked in training. With more steps the difference shrinks, and what stays comes from
the batches: small ones differ more from one another.

A batch of one example has no variance. In training torch refuses it, as the printed error says; the
last batch of an epoch is where it comes from as a rule, and `drop_last=True` of the data loader
prevents it. In evaluation one example is enough.
""",
    seconds=1,
)

CONVERGENCE = Step(
    name="convergence",
    title="Convergence, each at its best learning rate",
    prediction=Prediction(
        "A network with batch norm and one without get the learning rate that suits each best, "
        "by validation loss. Which comes near the final test accuracy in fewer epochs, on four new "
        "seeds?",
        (
            "The one with batch norm",
            "No difference can be told",
            "The one without",
        ),
    ),
    task="convergence:compare",
    controls=(
        DATA,
        TRAIN_SIZE,
        Number("depth", "Hidden layers", 1, 10, 1, 3),
        Options(
            "method",
            "Method",
            (("sgd", "SGD with momentum 0.9"), ("adamw", "AdamW")),
            "sgd",
        ),
        Number("epochs", "Epochs of each training", 5, 40, 1, 15),
        SEED,
    ),
    explanation="""
Under one learning rate for both, whichever it suits better would win. So both are tried with the
same row of them. The first chart as a rule shows what batch norm is best known for: it stands a
wider range. Whether it is also faster, each at its best, is what the second chart and the interval
say.

It depends on the depth, on the data and on the method. Try 1 and 10 layers; spam, with its skewed
features; and AdamW, which brings gradients to a common scale in its own way.
""",
    seconds=10,
)

COLUMNS = Claim(
    "In training each feature comes out with mean 0 and variance 1, whatever it was before.",
    """import torch
from torch import nn

x = 100 + 30 * torch.randn(64, 3)
y = nn.BatchNorm1d(3)(x).detach()
print("mean    ", x.mean(0), "->", y.mean(0))
print("variance", x.var(0, correction=0), "->", y.var(0, correction=0))
assert torch.allclose(y.mean(0), torch.zeros(3), atol=1e-4)
assert torch.allclose(y.var(0, correction=0), torch.ones(3), atol=1e-3)
""",
)

BUFFERS = Claim(
    "One call in training moves the buffers by momentum, and the variance goes in over N - 1.",
    """import torch
from torch import nn

layer = nn.BatchNorm1d(3)           # momentum=0.1; buffers begin with 0 and 1
x = 5 + 2 * torch.randn(8, 3)
layer(x)
print("running_mean", layer.running_mean, "by hand", 0.9 * 0 + 0.1 * x.mean(0))
print("running_var ", layer.running_var, "by hand", 0.9 * 1 + 0.1 * x.var(0))
assert torch.allclose(layer.running_mean, 0.1 * x.mean(0), rtol=1e-4, atol=1e-5)
assert torch.allclose(layer.running_var, 0.9 + 0.1 * x.var(0), rtol=1e-4)
""",
)

NO_GRAD = Claim(
    "`torch.no_grad()` does not stop the buffers from moving; `eval()` does.",
    """import torch
from torch import nn

layer = nn.BatchNorm1d(3)
x = 5 + torch.randn(8, 3)

with torch.no_grad():
    layer(x)                        # training mode still
print("after no_grad:", layer.running_mean)
moved = layer.running_mean.clone()

layer.eval()
layer(x)
print("after eval:   ", layer.running_mean)
assert (moved != 0).all()
assert torch.equal(layer.running_mean, moved)
""",
)

COMPANY = Claim(
    "In training an example's output depends on the other examples of its batch; in evaluation "
    "it does not.",
    """import torch
from torch import nn

layer = nn.BatchNorm1d(2)
email = torch.tensor([[1.0, 2.0]])
one_batch = torch.cat([email, torch.randn(7, 2)])
another = torch.cat([email, torch.randn(7, 2)])

print("training:  ", layer(one_batch)[0].detach(), layer(another)[0].detach())
assert not torch.allclose(layer(one_batch)[0], layer(another)[0])

layer.eval()
print("evaluation:", layer(one_batch)[0].detach(), layer(another)[0].detach())
assert torch.equal(layer(one_batch)[0], layer(another)[0])
""",
)

ONE = Claim(
    "A batch of one example is refused in training, and fine in evaluation.",
    """import torch
from torch import nn

layer = nn.BatchNorm1d(3)
try:
    layer(torch.ones(1, 3))
except ValueError as error:
    print(f"ValueError: {error}")
    refused = True
assert refused
print(layer.eval()(torch.ones(1, 3)).detach())
""",
)

BIAS = Claim(
    "In training, a bias right before batch norm does nothing: the mean that is subtracted "
    "contains it.",
    """import torch
from torch import nn

linear, norm = nn.Linear(5, 3), nn.BatchNorm1d(3)
x = torch.randn(16, 5)
before = norm(linear(x))
with torch.no_grad():
    linear.bias += 10
after = norm(linear(x))
print(f"largest change: {(after - before).abs().max():.1e}")
assert torch.allclose(before, after, atol=1e-3)
""",
)

SECTION = Section(
    name="batch-norm",
    title="Batch norm",
    introduction=INTRODUCTION,
    steps=(NORMALISE, RUNNING, MODES, CONVERGENCE),
    claims=(COLUMNS, BUFFERS, NO_GRAD, COMPANY, ONE, BIAS),
    items=(
        "norm-argument",
        "norm-axis",
        "norm-scale-and-shift",
        "norm-evaluation",
        "norm-first-batch",
        "norm-keras-momentum",
        "norm-batch-of-one",
        "norm-variances",
    ),
    rules=("WB203", "WB207", "WB302", "WB303", "WB304", "WB305", "WB901", "WB902"),
)
