"""Mend: a network that has layers and no activation."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

# A radar's echoes: ships within 1.2 kilometres of the harbour, and ships farther out
places = 4 * torch.rand(400, 2) - 2
is_near = (places.norm(dim=1) < 1.2).long()

model = nn.Sequential(nn.Linear(2, 32), nn.Linear(32, 32), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(250):
    scores = model(places)
    loss = nn.functional.cross_entropy(scores, is_near)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

right = scores.argmax(dim=1) == is_near
near = right[is_near == 1].float().mean().item()
far = right[is_near == 0].float().mean().item()
print(f"recognised: {near:.0%} of the ships nearby, {far:.0%} of those farther out")
"""
MODEL = "nn.Linear(2, 32), nn.Linear(32, 32), nn.Linear(32, 2)"

ITEM = Repair(
    name="activation-without",
    title="A circle that cannot be learned",
    topic=Topic.ACTIVATION,
    prompt=(
        "The network is to tell ships near the harbour from those farther out. The border is a "
        "circle. However long it trains, it finds hardly any ship nearby. Let it recognise at "
        "least 85% of either kind."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(
        MODEL, "nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2)"
    ),
    rules=("WB404",),
    checks=(
        Check(
            claim="scores.min().item() < 0",
            message=(
                "Your scores lie between {scores.min().item():.2f} and "
                "{scores.max().item():.2f}: an activation after the last layer limits them."
            ),
            why=(
                "Activations belong **between** layers. The last layer's scores are what "
                "cross-entropy makes probabilities of, and for that they have to be free to be as "
                "low or high as needed."
            ),
            misconception="every layer needs an activation, the last one too",
            example=PROGRAM.replace(
                MODEL,
                "nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2), "
                "nn.Sigmoid()",
            ),
            rule="WB403",
        ),
        Check(
            claim="min(near, far) >= 0.85",
            message=(
                "No linear layers in a row any more, but only {near:.0%} of the ships nearby and "
                "{far:.0%} of those farther out are recognised."
            ),
            why=(
                "Not any layer between two linear ones will do. Batch norm and dropout only shift, "
                "stretch and drop; what bends the border is a function such as ReLU or tanh."
            ),
            misconception="any layer between two linear ones makes the network non-linear",
            example=PROGRAM.replace(
                MODEL,
                "nn.Linear(2, 32), nn.BatchNorm1d(32), nn.Linear(32, 32), nn.BatchNorm1d(32), "
                "nn.Linear(32, 2)",
            ),
            rule="WB404",
        ),
    ),
    hints=(
        "What shape has the border that one linear layer draws? And three in a row?",
        "Between two linear layers something has to bend the line.",
        "Put `nn.ReLU()` after the first layer and after the second.",
    ),
    why=(
        "Each hidden unit can now bend the border along a line of its own, and a few such "
        "bends come close to a circle. The last layer stays free to give scores of any sign."
    ),
    note="This program runs without an error. It is meant to learn next to nothing.",
)
