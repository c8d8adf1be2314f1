"""A forward pass without gradients still updates the running statistics."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

norm = nn.BatchNorm1d(1)
before = {name: value.clone() for name, value in norm.state_dict().items()}
pulse = 70 + 10 * torch.randn(32, 1)  # heartbeats a minute of 32 visitors
with torch.no_grad():
    norm(pulse)
changed = {
    name for name, value in norm.state_dict().items() if not torch.equal(value, before[name])
}
print("changed:", sorted(changed))
"""

ITEM = Question(
    name="norm-no-grad",
    title="What changes without gradients?",
    topic=Topic.NORM,
    prompt=(
        "A new batch norm is called once, under `torch.no_grad()`. Nothing is said of modes. "
        "What in its `state_dict` is different afterwards?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="Nothing: `no_grad` means that nothing is learned",
            claim="changed == set()",
            misconception="no_grad stops batch norm's updates",
            probe=(
                'print("running mean before:", before["running_mean"].item())\n'
                'print("running mean after: ", norm.running_mean.item())\n'
                'print("training mode:", norm.training)\n'
            ),
            why=(
                "`no_grad` stops the recording for the backward pass. The running statistics are "
                "no matter of gradients: the forward pass updates them, in training mode, in "
                "which every new module is. Only `eval()` stops that."
            ),
            rule="WB203",
        ),
        Choice(
            text="Its weight and bias: they are adapted to the batch",
            claim='changed == {"weight", "bias"}',
            misconception="a forward pass changes weight and bias of batch norm",
            probe=('print("weight:", norm.weight.item(), "bias:", norm.bias.item())\n'),
            why=(
                "Weight and bias are parameters, as in a linear layer: only an optimizer changes "
                "them, and it needs gradients. They begin at 1 and 0, and still are."
            ),
        ),
        Choice(
            text="Its running mean and variance, and the number of batches",
            claim='changed == {"running_mean", "running_var", "num_batches_tracked"}',
            probe=(
                'print("running mean before:", before["running_mean"].item())\n'
                'print("running mean after: ", norm.running_mean.item())\n'
            ),
            why=(
                "All three buffers, by the forward pass alone. So an evaluation with `no_grad`, "
                "but without `eval()`, moves the model towards the test data."
            ),
            rule="WB203",
        ),
        Choice(
            text="All of it",
            claim="changed == set(before)",
            misconception="batch norm learns weight, bias and statistics alike, by the batch",
            probe=('print("unchanged:", sorted(set(before) - changed))\n'),
            why=(
                "Its state has two kinds: parameters (weight, bias), which an optimizer changes, "
                "and buffers (the statistics), which the forward pass changes. Without a backward "
                "pass the first stay as they are."
            ),
        ),
    ),
    hints=(
        "A new module is in training mode. Does `no_grad` change that?",
        "Parameters are changed by optimizers. What are buffers changed by?",
    ),
)
