"""What a bias before batch norm does: nothing."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

letters = torch.randn(32, 10)  # ten measurements of 32 handwritten letters
linear = nn.Linear(10, 4)
norm = nn.BatchNorm1d(4)
before = norm(linear(letters)).detach()
with torch.no_grad():
    linear.bias += 7.0
after = norm(linear(letters)).detach()
change = (after - before).mean().item()
print(f"change: {change:.6f}")
"""

ITEM = Question(
    name="norm-bias-before",
    title="A bias in front of batch norm",
    topic=Topic.NORM,
    prompt=(
        "A batch norm follows a linear layer, in training mode. Somebody adds 7 to every "
        "bias of the linear layer. By how much do the outputs of the **batch norm** change?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="By 7",
            claim="abs(change - 7) < 0.01",
            misconception="a shift passes through batch norm",
            probe=(
                'print("before:", before[0])\n'
                'print("after: ", after[0])\n'
                'print("mean of the batch that is subtracted now:",\n'
                "      linear(letters).mean(dim=0).detach())\n"
            ),
            why=(
                "All values of a feature rise by 7, and so does their mean. Batch norm subtracts "
                "that mean, and the 7 is gone. A shift that is to stay is the job of batch norm's "
                "own bias, which is added last."
            ),
            rule="WB901",
        ),
        Choice(
            text="By 7 divided by the batch's standard deviation",
            claim="change > 0.5 and abs(change - 7) > 0.01",
            misconception="batch norm only divides",
            probe=(
                "deviation = linear(letters).std(dim=0, unbiased=False).detach()\n"
                'print("7 divided by the deviations:", 7 / deviation)\n'
                'print("change of the outputs:", (after - before).mean(dim=0))\n'
            ),
            why=(
                "That would hold if batch norm only divided. It subtracts the mean first, and "
                "what is the same in the whole batch vanishes there."
            ),
            rule="WB901",
        ),
        Choice(
            text="Not at all, but for rounding",
            claim="bool((after - before).abs().max() < 0.001)",
            probe=(
                'print("largest change:", (after - before).abs().max().item())\n'
                "nn.functional.cross_entropy(\n"
                "    norm(linear(letters)), torch.randint(4, (32,))\n"
                ").backward()\n"
                'print("gradient of the bias:  ", linear.bias.grad)\n'
                'print("gradient of the weight:", linear.weight.grad[:, 0])\n'
            ),
            why=(
                "The bias is subtracted again with the mean, so it gets no gradient but rounding "
                "errors. Hence `nn.Linear(10, 4, bias=False)` before batch norm: the same network "
                "with fewer parameters."
            ),
            rule="WB901",
        ),
    ),
    hints=(
        "All 32 values of a feature rise by 7. What happens to their mean?",
        "value - mean: both have risen by 7.",
    ),
)
