"""Interleaved spirals: points that no straight line tells apart, and networks for them."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wolfsbane.learn.blocks import Regions, Table
from wolfsbane.learn.experiments.figures import percent
from wolfsbane.learn.experiments.tables import row

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
}
"""Layers of torch's by the name that a control has for them."""

LABELS = {
    "none": "no activation",
    "relu": "ReLU",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "gelu": "GELU",
}
NUM_POINTS = 300
TURNS = 1.5
NOISE = 0.02
EDGE = 1.2
"""The plane is drawn from -EDGE to EDGE; the spirals end at 1."""
GRID = 41


@dataclass(frozen=True)
class Points:
    """Points of the plane, (N, 2), and the spiral that each lies on, (N,)."""

    x: Tensor
    y: Tensor
    num_spirals: int


def draw_spirals(num_spirals: int, seed: int) -> Points:
    """Draw points on as many spirals, evenly over radius and spirals, with a little noise."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(NUM_POINTS) % num_spirals
    radius = torch.linspace(0.1, 1.0, NUM_POINTS)
    angle = 2 * math.pi * (y / num_spirals + TURNS * radius)
    exact = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    x = exact + NOISE * torch.randn(NUM_POINTS, 2, generator=generator)
    return Points(x, y, num_spirals)


def build(activation: str, layers: int, width: int, num_classes: int) -> nn.Sequential:
    """Return an MLP for points; no activation draws numbers, so equal seeds give equal weights."""
    modules: list[nn.Module] = []
    inputs = 2
    for _ in range(layers):
        modules += [nn.Linear(inputs, width), ACTIVATIONS[activation]()]
        inputs = width
    return nn.Sequential(*modules, nn.Linear(inputs, num_classes))


def num_right(model: nn.Module, points: Points) -> int:
    """Return how many points the model answers rightly."""
    with torch.no_grad():
        return int((model(points.x).argmax(1) == points.y).sum())


def regions(model: nn.Module, points: Points, title: str, key: str) -> Regions:
    """Return what the model answers over the plane."""
    axis = torch.linspace(-EDGE, EDGE, GRID)
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    with torch.no_grad():
        grid = model(torch.stack([columns, rows], -1).flatten(0, 1)).argmax(1).view(GRID, GRID)
        right = model(points.x).argmax(1) == points.y
    return Regions(
        title,
        "Each spiral's points, on the class that the network answers at every place.",
        (-EDGE, EDGE),
        (-EDGE, EDGE),
        tuple(tuple(line) for line in grid.tolist()),
        tuple(
            (round(x, 3), round(y, 3), spiral)
            for (x, y), spiral in zip(points.x.tolist(), points.y.tolist(), strict=True)
        ),
        _table(points, right, title),
        key=key,
    )


def _table(points: Points, right: Tensor, title: str) -> Table:
    rows = []
    for spiral in range(points.num_spirals):
        own = points.y == spiral
        count, num_own = int((right & own).sum()), int(own.sum())
        rows.append(row(f"class {spiral}", (str(num_own), str(count), percent(count / num_own))))
    total = int(right.sum())
    rows.append(row("all", (str(len(right)), str(total), percent(total / len(right)))))
    return Table(f"Points answered rightly: {title}", ("", "points", "right", "share"), tuple(rows))
