"""Batch norm normalises by the biased variance and remembers the unbiased one."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

norm = nn.BatchNorm1d(1, momentum=1.0)  # running statistics are those of the last batch
grades = torch.tensor([[2.0], [4.0]])
out = norm(grades).detach()
kept = norm.running_var.item()
used = 1 / out.abs().max().item() ** 2
print("out:", out.squeeze(), "kept variance:", kept)
"""

ITEM = Question(
    name="norm-variances",
    title="Two variances",
    topic=Topic.NORM,
    prompt=(
        "Two grades, 2 and 4, with the mean 3. The sum of their squared distances is 2, so the "
        "variance is 2 / 2 = 1 (biased) or 2 / (2 - 1) = 2 (unbiased). By which does batch norm "
        "divide in training, and which does it keep in `running_var`?"
    ),
    program=PROGRAM,
    shows_program=False,
    choices=(
        Choice(
            text="It divides by 1 and keeps 1: the biased one throughout",
            claim="abs(used - 1) < 0.01 and abs(kept - 1) < 0.01",
            misconception="running_var is the variance that the batch was divided by",
            probe='print("divided by the root of", round(used, 3), "but kept:", kept)\n',
            why=(
                "The first half is right. But what is kept is an estimate for data to come, and "
                "from few values the biased variance is too small on average, by (n - 1) / n. So "
                "torch keeps n / (n - 1) times the batch's, here twice as much."
            ),
        ),
        Choice(
            text="It divides by 2 and keeps 2: the unbiased one throughout, as `torch.var` does",
            claim="abs(used - 2) < 0.01 and abs(kept - 2) < 0.01",
            misconception="batch norm divides by torch.var of the batch",
            probe=(
                'print("with the unbiased variance:", '
                "((grades - 3) / grades.var().sqrt()).squeeze())\n"
                'print("with the biased variance:  ", '
                "((grades - 3) / grades.var(unbiased=False).sqrt()).squeeze())\n"
                'print("batch norm:                ", out.squeeze())\n'
            ),
            why=(
                "`torch.var` is unbiased by default, and here it would give ±0.71. Batch norm "
                "divides by the biased one, so that the batch itself has variance 1. A batch norm "
                "that is rebuilt by hand with `x.var()` differs just there."
            ),
        ),
        Choice(
            text="It divides by 1 and keeps 2",
            claim="abs(used - 1) < 0.01 and abs(kept - 2) < 0.01",
            probe=(
                'print("training:  ", out.squeeze())\n'
                "norm.eval()\n"
                'print("evaluation:", norm(grades).detach().squeeze())\n'
            ),
            why=(
                "So the same batch comes out smaller in evaluation, ±0.71 instead of ±1, though "
                "mean and data are the same. At 32 values a batch the two differ by 3% in "
                "variance; at 2 values by a factor of 2."
            ),
        ),
        Choice(
            text="It divides by 2 and keeps 1",
            claim="abs(used - 2) < 0.01 and abs(kept - 1) < 0.01",
            misconception="the unbiased variance is for the batch, the biased for the average",
            probe='print("divided by the root of", round(used, 3), "and kept:", kept)\n',
            why=(
                "It is the other way round. The batch is divided by its own variance, the sum over "
                "n; what is kept is an estimate for other data, the sum over n - 1."
            ),
        ),
    ),
    hints=(
        "The normalised batch should have variance 1, measured on itself. That takes which one?",
        "`running_var` is meant for data to come: statisticians then divide by n - 1.",
    ),
)
