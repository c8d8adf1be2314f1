"""What a forward hook that returns something does, to the result and to gradients."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
flowers = torch.randn(100, 6)  # six measurements of each, standardised

def drop_the_last_four(layer, inputs, output):
    return output * (torch.arange(8) < 4)

plain = model(flowers)
handle = model[1].register_forward_hook(drop_the_last_four)
hooked = model(flowers)
hooked.sum().backward()
gradient = model[0].weight.grad.abs().sum(dim=1)  # one figure for each of the 8 units
handle.remove()
removed = model(flowers)
"""

ITEM = Question(
    name="together-hook",
    title="A dropout by hook",
    topic=Topic.TOGETHER,
    prompt=(
        "A hook on the ReLU of a finished model returns its output with the last four of the "
        "eight units set to 0. What does that do?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="Nothing: a hook can only look on",
            claim="torch.equal(plain, hooked)",
            misconception="hooks only watch",
            probe=(
                'print("without the hook:", plain[:3, 0].detach())\n'
                'print("with the hook:   ", hooked[:3, 0].detach())\n'
            ),
            why=(
                "A forward hook that returns nothing only looks on. What it **returns** takes the "
                "place of the layer's output, and the layers after it get that."
            ),
        ),
        Choice(
            text="The result changes; gradients are as without the hook",
            claim="not torch.equal(plain, hooked) and bool((gradient[4:] > 0).any())",
            misconception="autograd does not see what a hook does",
            probe=(
                'print("gradients of the first four units:", gradient[:4])\n'
                'print("gradients of the last four units: ", gradient[4:])\n'
            ),
            why=(
                "The graph is recorded while the program runs, and the hook's multiplication is "
                "a part of that run. So the backward pass goes through it as well: what was "
                "dropped gets no gradient."
            ),
        ),
        Choice(
            text="The result changes, and the dropped units get no gradient",
            claim="not torch.equal(plain, hooked) and bool((gradient[4:] == 0).all())",
            probe='print("gradients of the eight units:", gradient)\n',
            why=(
                "The graph is made by running, and whatever the hook computes is in it. That is "
                "how dropout can be put on a layer of a model that one cannot edit."
            ),
        ),
        Choice(
            text="The model stays changed, also after `handle.remove()`",
            claim="not torch.allclose(plain, removed)",
            misconception="a hook is built into the model for good",
            probe=(
                'print("largest difference before and after:", '
                "(plain - removed).abs().max().item())\n"
            ),
            why=(
                "The hook is a function in a list of the layer's, and `remove()` takes it out of "
                "that. No weight was changed."
            ),
        ),
    ),
    hints=(
        "The hook has a `return`. What could become of what it returns?",
        "Autograd records each operation as it is run, wherever in the program it stands.",
    ),
)
