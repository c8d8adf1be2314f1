"""Which neighbours may change places: ReLU and dropout."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

signals = torch.randn(32, 6)

def in_both_orders(one, other):
    results = []
    for pair in ((one, other), (other, one)):
        torch.manual_seed(3)  # the same units are dropped
        results.append(nn.Sequential(*pair)(signals).detach())
    return results

def difference(one, other):
    first, second = in_both_orders(one, other)
    return (first - second).abs().max().item()
"""

ITEM = Question(
    name="together-commute",
    title="Which two may change places?",
    topic=Topic.TOGETHER,
    prompt=(
        "In training mode, with the same units dropped: for which of these pairs is the result "
        "the same in either order?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="`BatchNorm1d` and `Dropout`",
            claim="difference(nn.BatchNorm1d(6), nn.Dropout(0.5)) < 1e-5",
            misconception="dropout and batch norm may stand in any order",
            probe=(
                "norm_first, dropout_first = in_both_orders(nn.BatchNorm1d(6), nn.Dropout(0.5))\n"
                'print("zeros, batch norm first:", (norm_first == 0).sum().item())\n'
                'print("zeros, dropout first:   ", (dropout_first == 0).sum().item())\n'
                'print("variance, batch norm first:", norm_first.var().item())\n'
                'print("variance, dropout first:   ", dropout_first.var().item())\n'
            ),
            why=(
                "After dropout, batch norm shifts the zeros away by the mean, and divides by a "
                "variance that dropout has raised. In evaluation there is no dropout, but the "
                "raised variance is remembered. Batch norm goes first."
            ),
            rule="WB111",
        ),
        Choice(
            text="`BatchNorm1d` and `ReLU`",
            claim="difference(nn.BatchNorm1d(6), nn.ReLU()) < 1e-5",
            misconception="batch norm may stand before or after ReLU, it is all the same",
            probe=(
                "norm_first, relu_first = in_both_orders(nn.BatchNorm1d(6), nn.ReLU())\n"
                'print("smallest, batch norm first:", norm_first.min().item())\n'
                'print("smallest, ReLU first:      ", relu_first.min().item())\n'
                'print("mean, batch norm first:", norm_first.mean().item())\n'
                'print("mean, ReLU first:      ", relu_first.mean().item())\n'
            ),
            why=(
                "Both orders are in use, but they are different functions: with ReLU last "
                "everything is at least 0; with batch norm last the mean is 0, and half of it is "
                "negative again."
            ),
        ),
        Choice(
            text="`ReLU` and `Dropout`",
            claim="difference(nn.ReLU(), nn.Dropout(0.5)) < 1e-5",
            probe=(
                'print("largest difference:", difference(nn.ReLU(), nn.Dropout(0.5)))\n'
                'print("with sigmoid instead:", difference(nn.Sigmoid(), nn.Dropout(0.5)))\n'
            ),
            why=(
                "Dropout multiplies by 0 or by 1 / (1 - p), and ReLU lets positive factors pass: "
                "relu(m x) = m relu(x) for m ≥ 0. With a sigmoid this fails, as sigmoid(0) is 0.5: "
                "a unit that was dropped before it would not be 0."
            ),
        ),
        Choice(
            text="`Linear` and `ReLU`",
            claim="difference(nn.Linear(6, 6), nn.ReLU()) < 1e-5",
            misconception="an activation may stand before or after its layer",
            probe=(
                "linear_first, relu_first = in_both_orders(nn.Linear(6, 6), nn.ReLU())\n"
                'print("smallest, linear first:", linear_first.min().item())\n'
                'print("smallest, ReLU first:  ", relu_first.min().item())\n'
            ),
            why=(
                "ReLU cuts off what is negative. Before the layer it cuts the inputs, after it "
                "the sums: these are other numbers."
            ),
        ),
    ),
    hints=(
        "What does each layer do to a 0? And to a number that is multiplied by 2?",
        "Dropout multiplies by 0 or by a positive number. Which layer lets such a factor pass?",
    ),
)
