"""Over which values batch norm takes its mean: a feature's, over the batch."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

# One patient a row: height in cm, weight in kg, heartbeats a minute.
patients = torch.tensor(
    [[182.0, 90.0, 61.0], [165.0, 58.0, 72.0], [174.0, 77.0, 55.0], [158.0, 49.0, 88.0]]
)
norm = nn.BatchNorm1d(3)
out = norm(patients).detach()
print(out)
"""

ITEM = Question(
    name="norm-axis",
    title="Which numbers share a mean?",
    topic=Topic.NORM,
    prompt=(
        "Four patients, three measurements each. `BatchNorm1d(3)` subtracts a mean and divides by "
        "a standard deviation. **Of which numbers** are these?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="Of one row: a patient's three measurements are compared with each other",
            claim="bool(out.mean(dim=1).abs().max() < 0.001)",
            misconception="batch norm normalises each example by itself",
            probe=(
                'print("means of the rows, batch norm:", out.mean(dim=1))\n'
                "rows = nn.LayerNorm(3)(patients).detach()\n"
                'print("means of the rows, layer norm:", rows.mean(dim=1))\n'
                'print("means of the columns, batch norm:", out.mean(dim=0))\n'
            ),
            why=(
                "You describe `nn.LayerNorm`: it looks at one example alone, so the rows' means "
                "become 0. It would average centimetres, kilograms and heartbeats. Batch norm "
                "keeps the features apart and averages over the **batch**, hence its name."
            ),
        ),
        Choice(
            text="Of one column: each measurement over the four patients",
            claim=(
                "bool(out.mean(dim=0).abs().max() < 0.001) and "
                "bool((out.std(dim=0, unbiased=False) - 1).abs().max() < 0.001)"
            ),
            probe=(
                'print("means of the columns:", out.mean(dim=0))\n'
                'print("their deviations:", out.std(dim=0, unbiased=False))\n'
            ),
            why=(
                "Each column has mean 0 and deviation 1 now, whatever its unit was. What a patient "
                "becomes therefore depends on who else is in the batch."
            ),
        ),
        Choice(
            text="Of all twelve: one mean and one deviation for the whole table",
            claim=(
                "torch.allclose(out, (patients - patients.mean()) / patients.std(), rtol=0.1, "
                "atol=0.1)"
            ),
            misconception="batch norm has one mean for the whole batch",
            probe=(
                'print("one mean for all:", patients.mean())\n'
                'print("what batch norm remembers of:", norm.running_mean.shape)\n'
                'print("with one mean, the heights would be",\n'
                "      ((patients - patients.mean()) / patients.std())[:, 0])\n"
                'print("with batch norm, they are", out[:, 0])\n'
            ),
            why=(
                "With one mean for all, every height would stay far above every heart rate, and "
                "the scales of the features would be as different as before. Batch norm has one "
                "mean **per feature**: that is why its `running_mean` has as many entries as there "
                "are features."
            ),
        ),
        Choice(
            text="Of none: each column is stretched to the range from 0 to 1",
            claim="bool(out.min() >= 0) and bool(out.max() <= 1)",
            misconception="normalising means scaling to the range from 0 to 1",
            probe='print("lowest:", out.min(), "highest:", out.max())\n',
            why=(
                "That is min-max scaling, which is also called normalising. Batch norm "
                "standardises: mean 0, deviation 1, and so values on both sides of 0, without "
                "bounds."
            ),
        ),
    ),
    hints=(
        "Look at the printed table: which sums are about 0, those of rows or those of columns?",
        "The layer is made with the number of features, 3. It has as many means.",
        "A mean of all heights makes sense. A mean of a height and a heart rate does not.",
    ),
)
