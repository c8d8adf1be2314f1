"""Section 7: the graph that each call builds, and what can be done with it."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from wolfsbane.learn.blocks import Block, Chart, Outcome, Series, Table
from wolfsbane.learn.experiments.figures import figure
from wolfsbane.learn.experiments.programs import run_shown
from wolfsbane.learn.experiments.reproducible import reproducible
from wolfsbane.learn.experiments.tables import row

CONTROL_FLOW = '''\
import torch
from torch import nn

class Settle(nn.Module):
    """Applies one layer again and again, until its input is small enough."""

    def __init__(self):
        super().__init__()
        self.halve = nn.Linear(2, 2, bias=False)
        nn.init.eye_(self.halve.weight).data.mul_(0.5)

    def forward(self, x):
        while x.norm() > 1:
            x = self.halve(x)
        if x.sum() > 0:
            return torch.relu(x)
        return torch.sigmoid(x)

model = Settle()
x = torch.tensor([[{first:.4f}, {second:.4f}]], requires_grad=True)
y = model(x)
y.sum().backward()
print("norm of the input", round(x.norm().item(), 2))
print("output", y.tolist())
print("its grad_fn", y.grad_fn.name())
print("gradient of the input", x.grad.tolist())
'''
LAYER_NODE = "MmBackward0"
"""What a linear layer without bias leaves in the graph."""
OTHER_NORM = 1.5


def control_flow(norm: float, negative: bool) -> Iterator[Block]:
    """Call a model whose loop and branch depend on its input, and list the graph of the call."""
    chains: list[list[str]] = []
    for length, is_negative in ((norm, negative), (OTHER_NORM, not negative)):
        side = (-1 if is_negative else 1) * length / math.sqrt(2)
        printed, names = run_shown(CONTROL_FLOW.format(first=side, second=side))
        if not chains:
            yield printed
        chains.append(nodes_of(names["y"]))
    yield _graph_table(chains, norm)
    times = chains[0].count(LAYER_NODE)
    choice = 0 if times == 0 else 1 if times == 1 else 2 if times <= 4 else 3  # noqa: PLR2004
    yield Outcome(
        choice,
        f"An input of norm {norm:g} leaves {len(chains[0])} nodes, {times} of them the layer's. "
        f"One of norm {OTHER_NORM:g} leaves {len(chains[1])}, {chains[1].count(LAYER_NODE)} of "
        "them the layer's.",
    )


def nodes_of(output: Tensor) -> list[str]:
    """Return the names of a graph's nodes from the output back to the input."""
    names = []
    node = output.grad_fn
    while node is not None:
        names.append(node.name().rpartition("::")[2])
        node = next((following for following, _ in node.next_functions if following), None)
    return names


def _graph_table(chains: list[list[str]], norm: float) -> Table:
    longest = max(map(len, chains))
    rows = tuple(
        row(str(place + 1), (chain[place] if place < len(chain) else "" for chain in chains))
        for place in range(longest)
    )
    return Table(
        "The nodes that backward goes through, from the output to the input",
        ("", f"this input, norm {norm:g}", f"another input, norm {OTHER_NORM:g}"),
        rows,
    )


ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
}
WIDTH = 32
SPAN = 3.0
NUM_INPUTS = 121
AT = 0.7
"""The input at which the derivatives are compared with differences."""
SHIFT = 1e-5


def second_derivative(activation: str, p: float, seed: int) -> Iterator[Block]:
    """Differentiate a network twice by its input, and compare with differences of its slope."""
    with reproducible(seed):
        make = ACTIVATIONS[activation]
        model = nn.Sequential(
            nn.Linear(1, WIDTH), make(), nn.Linear(WIDTH, WIDTH), make(), nn.Dropout(p)
        )
        model = nn.Sequential(*model, nn.Linear(WIDTH, 1)).double()
        model.eval()
        x = torch.linspace(-SPAN, SPAN, NUM_INPUTS, dtype=torch.float64)
        output, slope, curvature = derivatives(model, x)
        yield _derivatives_chart(activation, x, (output, slope, curvature))
        yield _same_mask_table(model, seed)
    largest = curvature.abs().max().item()
    yield Outcome(
        0 if largest == 0 else 1,
        f"Over {NUM_INPUTS} inputs from {-SPAN:g} to {SPAN:g} the second derivative's largest "
        f"value is {figure(largest)}, while the first derivative takes "
        f"{len(slope.unique())} different values between {figure(slope.min().item())} and "
        f"{figure(slope.max().item())}.",
    )


def derivatives(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return output, slope and curvature of a model of one number at each of several inputs."""
    x = x.detach().requires_grad_()
    output = model(x.unsqueeze(1)).squeeze(1)
    (slope,) = torch.autograd.grad(output.sum(), x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x, materialize_grads=True)
    return output.detach(), slope.detach(), curvature


def _derivatives_chart(activation: str, x: Tensor, curves: tuple[Tensor, Tensor, Tensor]) -> Chart:
    names = ("output", "first derivative", "second derivative")
    inputs = tuple(x.tolist())
    return Chart(
        f"A network with {activation}, and its derivatives by the input",
        "Output, first and second derivative over the input, in evaluation mode.",
        "input",
        "value",
        tuple(
            Series(name, inputs, tuple(curve.tolist()))
            for name, curve in zip(names, curves, strict=True)
        ),
    )


def _same_mask_table(model: nn.Module, seed: int) -> Table:
    """Compare the second derivative in training mode with differences of the first one."""
    model.train()
    inputs = torch.tensor([AT], dtype=torch.float64)

    def slope_at(shift: float, mask: int) -> float:
        torch.manual_seed(mask)
        return derivatives(model, inputs + shift)[1].item()

    def difference(mask: int, other: int) -> float:
        return (slope_at(SHIFT, other) - slope_at(-SHIFT, mask)) / (2 * SHIFT)

    torch.manual_seed(seed)
    twice = derivatives(model, inputs)[2].item()
    rows = (
        row("by backward twice", [figure(twice)]),
        row("by differences of the slope, same mask", [figure(difference(seed, seed))]),
        row("by differences of the slope, two masks", [figure(difference(seed, seed + 1))]),
    )
    return Table(
        f"The second derivative at {AT:g} in training mode. Two masks are two networks: their "
        "difference is no derivative",
        ("", "second derivative"),
        rows,
    )
