"""Mend: inputs that saturate a tanh."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

# Adults: height in cm and weight in kg, and whether a sports shirt in size L fits
people = torch.randn(400, 2) * torch.tensor([10.0, 15.0]) + torch.tensor([172.0, 74.0])
fits = (people[:, 0] - 172 + people[:, 1] - 74 > 0).long()

inputs = people
model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(100):
    loss = nn.functional.cross_entropy(model(inputs), fits)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

hidden = model[:2](inputs)
at_ends = (hidden.abs() > 0.99).float().mean().item()
print(f"loss {loss.item():.2f}; {at_ends:.0%} of the hidden values lie at an end of tanh's range")
"""
INPUTS = "inputs = people\n"

ITEM = Repair(
    name="activation-saturated",
    title="A tanh at its ends",
    topic=Topic.ACTIVATION,
    prompt=(
        "Who fits a shirt depends on height and weight. The network hardly learns it: nearly all "
        "hidden values are -1 or 1, where tanh is flat. Bring fewer than a fifth of them there. "
        "Keep the tanh, and change what it is given."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(
        INPUTS, "inputs = (people - people.mean(dim=0)) / people.std(dim=0)\n"
    ),
    rules=("WB406",),
    checks=(
        Check(
            claim="any(isinstance(layer, nn.Tanh) for layer in model.modules())",
            message=(
                "No tanh, no saturation: the model is "
                "{', '.join(type(layer).__name__ for layer in model.children())}. But the inputs "
                "are still up to {inputs.abs().max().item():.0f}."
            ),
            why=(
                "ReLU does not saturate on the right. Inputs of this size harm it as well: all "
                "of them positive and large, so that its units are on for everybody or for "
                "nobody. The cause is the data's scale."
            ),
            misconception="saturation is cured by another activation alone",
            example=PROGRAM.replace("nn.Tanh()", "nn.LeakyReLU()"),
        ),
        Check(
            claim="at_ends < 0.2",
            message=(
                "{at_ends:.0%} of the hidden values still lie at an end of tanh's range. Your "
                "inputs have deviations of {inputs.std(dim=0)[0].item():.1f} and "
                "{inputs.std(dim=0)[1].item():.1f}."
            ),
            why=(
                "Subtracting the mean puts the values on both sides of 0, and leaves them as far "
                "from it as they spread: 10 cm and 15 kg. tanh bends between -2 and 2, so they "
                "have to be divided by their deviation, too. An easy task may be learned all the "
                "same; through several such layers hardly any gradient comes."
            ),
            misconception="centring the inputs is enough",
            example=PROGRAM.replace(INPUTS, "inputs = people - people.mean(dim=0)\n"),
            rule="WB406",
        ),
        Check(
            claim="loss.item() < 0.4",
            message=(
                "Only {at_ends:.0%} of the hidden values lie at an end now, but the loss is "
                "{loss.item():.2f}: your inputs differ from person to person by "
                "{inputs.std(dim=0)[0].item():.3f} and {inputs.std(dim=0)[1].item():.3f} only."
            ),
            why=(
                "Divided by one large number all values are small, and so are their differences, "
                "in which all the information lies. Standardising takes away the common part and "
                "brings the differences to 1."
            ),
            misconception="small inputs are standardised inputs",
            example=PROGRAM.replace(INPUTS, "inputs = people / 200\n"),
        ),
    ),
    hints=(
        "tanh(3) is 0.995 already. How large are the numbers that reach it?",
        "Standardise: subtract each column's mean. Then?",
        "(people - people.mean(dim=0)) / people.std(dim=0)",
    ),
    why=(
        "Standardised inputs lie around 0 with a spread of 1, where tanh is steep. The slopes "
        "are no longer 0, so the gradient reaches the weights in front of it."
    ),
    note="This program runs without an error. It is meant to learn badly.",
)
