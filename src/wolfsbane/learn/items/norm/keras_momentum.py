"""Mend: a momentum as Keras counts it."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

# Was in Keras: BatchNormalization(momentum=0.99), with the epsilon of torch
norm = nn.BatchNorm1d(1, momentum=0.99)

for day in range(1000):  # ordinary days: 16 temperatures each, around 20 degrees
    norm(20 + 3 * torch.randn(16, 1))
norm(35 + 3 * torch.randn(16, 1))  # the last day is hot

norm.eval()
ordinary = norm(torch.tensor([[20.0]])).item()
print(f"running mean: {norm.running_mean.item():.2f} degrees")
print(f"20 degrees become {ordinary:+.2f}")
"""

ITEM = Repair(
    name="norm-keras-momentum",
    title="A batch norm that came from Keras",
    topic=Topic.NORM,
    prompt=(
        "This layer was carried over from Keras with all its settings. There, one hot day at the "
        "end hardly moved the running mean. Here an ordinary day of 20 degrees comes out as very "
        "cold. Give the layer the averaging that it had in Keras."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace("momentum=0.99)\n\n", "momentum=0.01)\n\n"),
    rules=("WB302",),
    checks=(
        Check(
            claim="norm.running_mean.item() > 5",
            message=(
                "After 1001 batches around 20 degrees your running mean is "
                "{norm.running_mean.item():.2f}. It never moved from where it began."
            ),
            why=(
                "In torch momentum is the share of the **new** batch. With 0 no batch counts at "
                "all, and evaluation uses the mean 0 and the variance 1 of a layer that has seen "
                "nothing."
            ),
            misconception="momentum 0 switches the averaging off",
            example=PROGRAM.replace("momentum=0.99)\n\n", "momentum=0.0)\n\n"),
        ),
        Check(
            claim="norm.running_mean.item() < 28",
            message=(
                "Your running mean is {norm.running_mean.item():.2f} degrees, that of the last "
                "day. The 1000 days before it are forgotten."
            ),
            why=(
                "A momentum near 1 takes nearly all from the last batch. The old value's share "
                "is 1 - momentum."
            ),
            misconception="a higher momentum makes the average steadier",
            example=PROGRAM.replace("momentum=0.99)\n\n", "momentum=1.0)\n\n"),
            rule="WB302",
        ),
        Check(
            claim="norm.momentum is not None and abs(norm.momentum - 0.01) < 1e-6",
            message=(
                "Better: the running mean is {norm.running_mean.item():.2f} degrees. But your "
                "momentum is {norm.momentum}, and Keras' 0.99 leaves a share of 0.01 to the new "
                "batch."
            ),
            why=(
                "Both libraries have a sensible default, and they are not the same: 0.1 in torch "
                "averages over about the last 10 batches, 0.99 in Keras over about the last 100. "
                "To carry a layer over, compute 1 - momentum."
            ),
            misconception="the defaults of torch and Keras mean the same",
            example=PROGRAM.replace(", momentum=0.99)\n\n", ")\n\n"),
        ),
    ),
    hints=(
        "Print `norm.running_mean` before and after the last day. How far does one batch move it?",
        "torch: running = (1 - momentum) * running + momentum * batch. Keras: the other way round.",
        "Keep 99% of the old value: what is left for the new batch?",
    ),
    why=(
        "With a momentum of 0.01 each batch moves the running mean by a hundredth of the way, "
        "as Keras' 0.99 did. One hot day at the end moves it by about 0.15 degrees."
    ),
    note="This program runs without an error. It is meant to give a wrong result.",
)
