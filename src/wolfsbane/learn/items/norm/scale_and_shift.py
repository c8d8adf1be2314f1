"""What weight and bias of batch norm are for: any scale and shift can be learned again."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

pulse = 70 + 10 * torch.randn(256, 1)  # heartbeats a minute of 256 visitors
norm = nn.BatchNorm1d(1)
print(f"a new layer gives mean {abs(norm(pulse).mean()):.1f}, deviation {norm(pulse).std():.1f}")

optimizer = torch.optim.SGD(norm.parameters(), lr=0.1)
for step in range(100):  # what comes out should be what went in
    loss = nn.functional.mse_loss(norm(pulse), pulse)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
out = norm(pulse).detach()
mean, deviation = out.mean().item(), out.std().item()
"""

ITEM = Question(
    name="norm-scale-and-shift",
    title="Can it give the scale back?",
    topic=Topic.NORM,
    prompt=(
        "A new batch norm brings heartbeats, 70 ± 10 a minute, to mean 0 and deviation 1. Suppose "
        "that the next layer needs them as they were. The layer is trained for that, in training "
        "mode throughout. What can it learn to give?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="Mean 0 and deviation 1, whatever it is trained for",
            claim="abs(mean) < 1 and abs(deviation - 1) < 0.1",
            misconception="what comes out of batch norm has mean 0 and deviation 1 for good",
            probe='print(f"after training: mean {mean:.1f}, deviation {deviation:.1f}")\n',
            why=(
                "That is what a **new** layer gives, since its weight begins at 1 and its bias at "
                "0. Both are parameters: an optimizer moves them wherever the loss is lower."
            ),
        ),
        Choice(
            text="Mean 70, but a deviation of 1: a bias is learned, no scale",
            claim="abs(mean - 70) < 5 and abs(deviation - 1) < 0.1",
            misconception="batch norm learns a shift and no scale",
            probe=(
                "for name, value in norm.named_parameters():\n"
                '    print(f"{name} {value.item():.1f}")\n'
            ),
            why=(
                "A linear layer's bias shifts and no more. Batch norm has two parameters for each "
                "feature: the bias shifts, and before that the **weight** multiplies."
            ),
        ),
        Choice(
            text="Mean 70 and deviation 10, as it was",
            claim="abs(mean - 70) < 5 and abs(deviation - 10) < 3",
            probe=(
                'print(f"after training: mean {mean:.1f}, deviation {deviation:.1f}")\n'
                'print("largest difference to the input:", (out - pulse).abs().max().item())\n'
            ),
            why=(
                "The output is weight · normalised + bias. A weight of 10 and a bias of 70 undo "
                "the normalising, so nothing that the network could express is lost (Ioffe and "
                "Szegedy, 2015: gamma and beta). What is won: mean and scale now depend on two "
                "numbers that are learned directly, and not on all the layers before."
            ),
        ),
        Choice(
            text="Mean 70 and deviation 10, but in evaluation only, from the running statistics",
            claim="abs(mean) < 1 and abs(norm.eval()(pulse).mean().item() - 70) < 5",
            misconception="the running statistics put back what was taken away",
            probe=(
                "new = nn.BatchNorm1d(1, momentum=1.0)\n"
                "new(pulse)  # its running statistics are those of this batch now\n"
                "given = new.eval()(pulse)\n"
                'print(f"weight 1, bias 0, evaluation: mean {abs(given.mean()):.1f}, "\n'
                '      f"deviation {given.std():.1f}")\n'
            ),
            why=(
                "The running statistics are subtracted and divided by, as the batch's are: they "
                "normalise too. It is weight and bias that scale and shift, in both modes alike."
            ),
        ),
    ),
    hints=(
        "Batch norm has two parameters for each feature. What are they called?",
        "y = weight · (x - mean) / deviation + bias",
    ),
)
