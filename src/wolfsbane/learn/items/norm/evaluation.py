"""In evaluation batch norm uses its running statistics, not those of the batch."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

norm = nn.BatchNorm1d(1)
for day in range(200):  # training: 32 temperatures a day, 20 degrees on average, deviation 3
    norm(20 + 3 * torch.randn(32, 1))
norm.eval()
heat_wave = torch.full((8, 1), 26.0)
out = norm(heat_wave).detach()
print(out.squeeze())
"""

ITEM = Question(
    name="norm-evaluation",
    title="A batch of equal values, in evaluation",
    topic=Topic.NORM,
    prompt=(
        "A batch norm has seen temperatures of 20 ± 3 degrees in training. In evaluation it gets "
        "a batch of eight times 26 degrees. What comes out?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="Eight zeros: the batch's own mean, 26, is subtracted",
            claim="bool(out.abs().max() < 0.01)",
            misconception="evaluation normalises by the batch, too",
            probe=(
                'print("evaluation:", norm(heat_wave).detach().squeeze())\n'
                "norm.train()\n"
                'print("training, but for rounding:", norm(heat_wave).detach().squeeze())\n'
            ),
            why=(
                "Zeros come out in training mode, where the batch is compared with itself: a heat "
                "wave would then look like any other day. In evaluation the running mean and "
                "variance take the place of the batch's, so that the answer to one example does "
                "not depend on its neighbours."
            ),
        ),
        Choice(
            text="Eight times 26: batch norm does nothing in evaluation",
            claim="torch.allclose(out, heat_wave, atol=0.1)",
            misconception="batch norm is off in evaluation, like dropout",
            probe=(
                'print("subtracted:", norm.running_mean, "divided by:", norm.running_var.sqrt())\n'
                'print("comes out:", out[0])\n'
            ),
            why=(
                "Dropout is off in evaluation, batch norm is not: the layers after it were "
                "trained on normalised values and still need them. What changes is where mean and "
                "variance come from: the buffers `running_mean` and `running_var`."
            ),
        ),
        Choice(
            text="Eight times NaN: the variance of equal values is 0",
            claim="bool(out.isnan().any())",
            misconception="a variance of 0 makes batch norm divide by 0",
            probe=(
                'print("variance of the batch:", heat_wave.var().item())\n'
                'print("variance that is used:", norm.running_var.item(), "+ eps", norm.eps)\n'
                'print("comes out:", out[0])\n'
            ),
            why=(
                "The variance of this batch is 0, but evaluation does not ask for it: it divides "
                "by the running one. And in training, `eps` is added to the variance for just "
                "this case, so that 0 / sqrt(eps) = 0 comes out."
            ),
        ),
        Choice(
            text="Eight times about 2: (26 - 20) / 3",
            claim="bool((out - 2).abs().max() < 0.6)",
            probe=(
                'print("running mean:", norm.running_mean.item())\n'
                'print("root of the running variance:", norm.running_var.sqrt().item())\n'
                'print("(26 - mean) / root:", ((26 - norm.running_mean) / '
                "norm.running_var.sqrt()).item())\n"
            ),
            why=(
                "The running statistics are averages over the batches of the training, here about "
                "20 and 3². Against these the heat wave stands out, two deviations above the mean."
            ),
        ),
    ),
    hints=(
        "After `eval()`, where can mean and variance come from other than from the batch?",
        "`norm.running_mean` and `norm.running_var` are buffers that training has filled.",
        "The running mean is about 20, the running variance about 9, of which the root is 3.",
    ),
)
