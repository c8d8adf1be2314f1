"""Mend: an in-place addition that overwrites what the backward pass needs."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

sounds = torch.randn(64, 8)  # the strength of eight frequencies, standardised
is_bird = torch.arange(64) % 2
first, last = nn.Linear(8, 8), nn.Linear(8, 2)
optimizer = torch.optim.SGD([*first.parameters(), *last.parameters()], lr=0.1)

def hidden(x):
    h = torch.sigmoid(first(x))
    h += x  # a shortcut past the layer
    return h

for step in range(20):
    loss = nn.functional.cross_entropy(last(hidden(sounds)), is_bird)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.2f}")
"""
SHORTCUT = "    h += x  # a shortcut past the layer\n    return h"
LAYER = "    h = torch.sigmoid(first(x))\n"

ITEM = Repair(
    name="activation-in-place",
    title="Modified by an inplace operation",
    topic=Topic.ACTIVATION,
    prompt=(
        "A layer with a sigmoid has a shortcut past it: `hidden(x)` is `sigmoid(first(x)) + x`. "
        "The backward pass stops with an error. Let it train, both layers and with the right "
        "gradients, with the shortcut."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(SHORTCUT, "    return h + x  # a shortcut past the layer"),
    rules=("WB407",),
    checks=(
        Check(
            claim=(
                "torch.allclose(hidden(sounds), torch.sigmoid(first(sounds)) + sounds, atol=1e-5)"
            ),
            message=(
                "It trains, but `hidden(x)` differs from `sigmoid(first(x)) + x` by up to "
                "{(hidden(sounds) - torch.sigmoid(first(sounds)) - sounds).abs().max().item():.2f}."
            ),
            why=(
                "The shortcut was not at fault, only the way in which it was added. `h += x` "
                "writes into `h`; `h + x` makes a new tensor and leaves the sigmoid's result as "
                "it was."
            ),
            misconception="shortcuts cannot be trained through",
            example=PROGRAM.replace(SHORTCUT, "    return h"),
        ),
        Check(
            claim="first.weight.grad is not None",
            message=(
                "It runs, and the first layer learns nothing: `first.weight.grad` is "
                "{first.weight.grad}."
            ),
            why=(
                "`detach` cuts the graph: the error is gone because nothing before the cut is "
                "differentiated any more. To take a copy, `clone()` would keep the graph."
            ),
            misconception="detach only makes a copy",
            example=PROGRAM.replace(LAYER, "    h = torch.sigmoid(first(x)).detach()\n"),
        ),
        Check(
            claim=(
                "torch.allclose("
                "torch.autograd.grad(hidden(sounds).sum(), first.weight)[0], "
                "torch.autograd.grad(torch.sigmoid(first(sounds)).sum(), first.weight)[0], "
                "atol=1e-4)"
            ),
            message=(
                "It runs, with wrong gradients. Of `hidden(sounds).sum()` by the first weight: "
                "{torch.autograd.grad(hidden(sounds).sum(), first.weight)[0][0, 0].item():.3f}, "
                "and it should be "
                "{torch.autograd.grad(torch.sigmoid(first(sounds)).sum(), first.weight)[0][0, 0]"
                ".item():.3f}."
            ),
            why=(
                "`.data` writes behind autograd's back. The sigmoid's derivative, s (1 - s), is "
                "computed from its result s, and that has been overwritten all the same; torch "
                "just cannot tell any more. The error was right."
            ),
            misconception="writing through .data is safe, for no error comes",
            example=PROGRAM.replace("    h += x", "    h.data += x"),
            rule="WB407",
        ),
    ),
    hints=(
        "The sigmoid computes its derivative from its own result. Who writes over that result?",
        "`h += x` changes `h` in place. Which expression makes a new tensor?",
    ),
    why=(
        "The sum is a new tensor, so the sigmoid's result is still there when the backward "
        "pass computes s (1 - s) from it. Both layers get their true gradients."
    ),
    note="This program is meant to fail, with a RuntimeError in the backward pass.",
)
