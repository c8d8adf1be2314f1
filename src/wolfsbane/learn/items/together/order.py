"""Mend: dropout in front of batch norm."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

vibrations = torch.randn(512, 20)  # of machines, at 20 frequencies, standardised
is_faulty = (vibrations[:, :10].sum(dim=1) > 0).long()

norm = nn.BatchNorm1d(64)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.5), norm, nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(150):
    batch = torch.randint(512, (64,))
    loss = nn.functional.cross_entropy(model(vibrations[batch]), is_faulty[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

model.eval()
inputs = []
norm.register_forward_pre_hook(lambda layer, given: inputs.append(given[0]))
with torch.no_grad():
    model(vibrations)
ratio = (norm.running_var.sum() / inputs[0].var(dim=0).sum()).item()
print(f"the variance that batch norm remembers is {ratio:.2f} times that of its input now")
"""
LAYERS = "nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.5), norm, nn.Linear(64, 2)"

ITEM = Repair(
    name="together-order",
    title="In which order?",
    topic=Topic.TOGETHER,
    prompt=(
        "In evaluation, batch norm divides by the variance that it saw in training. Here that is "
        "far larger than the variance of what it gets in evaluation, so all that follows is given "
        "numbers that are too small. Rearrange the layers; leave none out."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(
        LAYERS, "nn.Linear(20, 64), norm, nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 2)"
    ),
    rules=("WB111",),
    checks=(
        Check(
            claim="any(isinstance(layer, nn.Dropout) and layer.p == 0.5 for layer in model)",
            message=(
                "The ratio is {ratio:.2f}, but the dropout of 0.5 is gone: "
                "{', '.join(type(layer).__name__ for layer in model)}."
            ),
            why=(
                "Dropout and batch norm can be in one network. It is only their order that "
                "matters: what dropout does to the variance must not reach a batch norm."
            ),
            misconception="dropout and batch norm cannot be used together",
            example=PROGRAM.replace(" nn.Dropout(0.5),", ""),
        ),
        Check(
            claim="bool((model.train()(vibrations) != 0).all())",
            message=(
                "The ratio is {ratio:.2f}. But in training mode "
                "{(model.train()(vibrations) == 0).float().mean().item():.0%} of the scores are "
                "exactly 0: the dropout stands after the last layer."
            ),
            why=(
                "There it drops answers, not features: a score that is set to 0 is taken for what "
                "the model said, and the loss punishes it for that. Its place is before the last "
                "layer."
            ),
            misconception="dropout belongs to the end of a network",
            example=PROGRAM.replace(
                LAYERS, "nn.Linear(20, 64), nn.ReLU(), norm, nn.Linear(64, 2), nn.Dropout(0.5)"
            ),
            rule="WB112",
        ),
        Check(
            claim="any(isinstance(layer, nn.ReLU) for layer in model)",
            message="A layer is missing: {', '.join(type(layer).__name__ for layer in model)}.",
            why=(
                "Batch norm does not take the place of an activation. Without one, the two linear "
                "layers are as good as one."
            ),
            misconception="batch norm makes an activation superfluous",
            example=PROGRAM.replace(
                LAYERS, "nn.Linear(20, 64), norm, nn.Dropout(0.5), nn.Linear(64, 2)"
            ),
            rule="WB404",
        ),
    ),
    hints=(
        "Dropout raises the variance, in training only. Which layer remembers a variance?",
        "Which layer could stand between dropout and the next batch norm, or after both?",
        "Linear, BatchNorm1d, ReLU, Dropout, Linear.",
    ),
    why=(
        "No batch norm gets what dropout has made any more, so the variance that it remembers "
        "is that of its input in evaluation, about. Dropout acts on the hidden units, and the "
        "last layer gives whole scores."
    ),
    note="This program runs without an error. It is meant to show a ratio that should be near 1.",
)
