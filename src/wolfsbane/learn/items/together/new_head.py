"""Mend: an optimizer that was made before a layer was exchanged."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

# A network that told ten kinds of birds by their song is to tell three kinds of frogs
model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
model[3] = nn.Linear(16, 3)

body_before = model[0].weight.detach().clone()
head_before = model[3].weight.detach().clone()
kind = torch.arange(300) % 3
calls = torch.randn(300, 8) + kind[:, None]
for step in range(50):
    loss = nn.functional.cross_entropy(model(calls), kind)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

body_moved = (model[0].weight - body_before).abs().max().item()
head_moved = (model[3].weight - head_before).abs().max().item()
print(f"moved: first layer {body_moved:.3f}, new head {head_moved:.3f}")
"""
MADE = "optimizer = torch.optim.SGD(model.parameters(), lr=0.05)\n"
SWAP = "model[3] = nn.Linear(16, 3)\n"

ITEM = Repair(
    name="together-new-head",
    title="A head that does not learn",
    topic=Topic.TOGETHER,
    prompt=(
        "The last layer is exchanged for a new one, and the whole network is to train on. The "
        "loss falls, the first layer moves, and the new head stays as it was made."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(MADE + SWAP, SWAP + MADE),
    checks=(
        Check(
            claim="head_moved > 0",
            message=(
                "The first layer moved by {body_moved:.3f}, the new head by {head_moved:.3f}. The "
                "optimizer trains "
                "{sum(len(group['params']) for group in optimizer.param_groups)} tensors; of the "
                "head's two it has "
                "{sum(each is mine for group in optimizer.param_groups for each in "
                "group['params'] for mine in model[3].parameters())}."
            ),
            why=(
                "An optimizer keeps the tensors that it was given when it was made. Those of the "
                "old head are among them, those of the new one are not, and no mode or flag "
                "changes that."
            ),
            misconception="an optimizer trains whatever is in the model",
            example=PROGRAM.replace(SWAP, SWAP + "model[3].requires_grad_(True)\nmodel.train()\n"),
        ),
        Check(
            claim="body_moved > 0",
            message=(
                "The head moves now, by {head_moved:.3f}. But the first layer does not: "
                "{body_moved:.3f}."
            ),
            why=(
                "Training the head alone can be wanted; here the whole network is to train. The "
                "optimizer then needs `model.parameters()`, asked for after the exchange."
            ),
            misconception="after an exchange only the new layer may be trained",
            example=PROGRAM.replace(
                MADE + SWAP, SWAP + MADE.replace("model.parameters", "model[3].parameters")
            ),
        ),
    ),
    hints=(
        "Which tensors did the optimizer get, and when?",
        "`model.parameters()` was asked for before the new layer was there.",
        "Exchange the layer first, then make the optimizer.",
    ),
    why=(
        "The optimizer has the new head's weight and bias, for they were there when it got "
        "them. What is exchanged later has to be handed over again, by a new optimizer or by "
        "`add_param_group`."
    ),
    note="This program runs without an error. It is meant to leave one layer untrained.",
)
