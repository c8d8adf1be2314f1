"""What the running mean is after one batch, and so what momentum means in torch."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

norm = nn.BatchNorm1d(1)
print("before:", norm.running_mean.item(), "momentum:", norm.momentum)
speeds = torch.tensor([[40.0], [50.0], [60.0]])  # of three cars, in km/h
norm(speeds)
after = norm.running_mean.item()
print("after:", after)
"""

ITEM = Question(
    name="norm-first-batch",
    title="The running mean after one batch",
    topic=Topic.NORM,
    prompt=(
        "A new batch norm has a running mean of 0 and a momentum of 0.1. It is given one batch, in "
        "training mode, whose mean is 50. What is the running mean now?"
    ),
    program=PROGRAM,
    shows_program=False,
    choices=(
        Choice(
            text="50",
            claim="abs(after - 50) < 0.01",
            misconception="the running mean is the mean of the last batch",
            probe=(
                'print("after one batch:", after)\n'
                "for batches in range(2, 31):\n"
                "    norm(speeds)\n"
                "    if batches % 10 == 0:\n"
                '        print(f"after {batches} batches: {norm.running_mean.item():.2f}")\n'
            ),
            why=(
                "The batch itself is normalised by its own mean, 50. The running mean is kept for "
                "evaluation and is an average over many batches, so one batch moves it only a "
                "part of the way, by the share `momentum`."
            ),
        ),
        Choice(
            text="45",
            claim="abs(after - 45) < 0.01",
            misconception="momentum is the share of the old value that stays",
            probe=(
                'print("0.9 * 0 + 0.1 * 50 =", 0.9 * 0 + 0.1 * 50, "and torch has", after)\n'
                "keras = nn.BatchNorm1d(1, momentum=0.9)\n"
                "keras(speeds)\n"
                'print("with momentum=0.9:", keras.running_mean.item())\n'
            ),
            why=(
                "You count as Keras and TensorFlow do, and as optimizers do: there momentum is "
                "what stays. In torch's batch norm it is the share of the **new** batch: "
                "`running = (1 - momentum) * running + momentum * batch`. Keras' 0.99 is 0.01 here."
            ),
            rule="WB302",
        ),
        Choice(
            text="5",
            claim="abs(after - 5) < 0.01",
            probe=(
                'print("(1 - 0.1) * 0 + 0.1 * 50 =", 0.9 * 0 + 0.1 * 50)\n'
                "for batches in range(2, 41):\n"
                "    norm(speeds)\n"
                "    if batches % 10 == 0:\n"
                '        print(f"after {batches} batches: {norm.running_mean.item():.2f}")\n'
            ),
            why=(
                "A tenth of the way from 0 to 50, then a tenth of what is left, batch by batch. "
                "Evaluation right after the start of a training uses statistics that have not "
                "arrived yet."
            ),
        ),
        Choice(
            text="0: nothing was trained, there was no backward pass and no optimizer",
            claim="after == 0",
            misconception="running statistics are learned by the optimizer",
            probe=(
                'print("parameters:", [name for name, _ in norm.named_parameters()])\n'
                'print("buffers:", [name for name, _ in norm.named_buffers()])\n'
                'print("running mean after the forward pass alone:", after)\n'
            ),
            why=(
                "Only weight and bias are parameters. The running statistics are buffers: the "
                "**forward** pass itself changes them, whenever the layer is in training mode, "
                "with or without gradients."
            ),
        ),
    ),
    hints=(
        "It moves from its old value towards the batch's mean. How far?",
        "In torch, momentum is the share of the new batch, not that of the old value.",
    ),
)
