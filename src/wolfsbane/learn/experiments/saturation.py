"""Section 5, units that no longer learn: saturated ones, and dead ones."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from wolfsbane.experiment.data import Examples, load, split
from wolfsbane.learn.blocks import (
    Block,
    Cell,
    Chart,
    Drawn,
    Mark,
    Outcome,
    Progress,
    Scale,
    Series,
    Table,
)
from wolfsbane.learn.experiments.figures import figure, percent
from wolfsbane.learn.experiments.reproducible import reproducible
from wolfsbane.learn.experiments.spirals import ACTIVATIONS, LABELS
from wolfsbane.learn.experiments.tables import row

WIDTH = 32
TRAIN_SIZE = 500
STEPS = 100
EVERY = 10
FLAT = 0.1
"""A unit is saturated where its slope is below this share of the activation's greatest."""
GREATEST_SLOPE = {"sigmoid": 0.25, "tanh": 1.0, "relu": 1.0}


@dataclass
class Trained:
    """A network that is being trained, and what is seen of it."""

    name: str
    model: nn.Sequential
    optimizer: torch.optim.Optimizer
    gradients: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)

    def step(self, batch: Examples) -> None:
        """Take one training step, and note gradients and accuracy as they were before it."""
        self.optimizer.zero_grad()
        logits = self.model(batch.x)
        functional.cross_entropy(logits, batch.y).backward()
        self.gradients = [
            linear.weight.grad.norm().item()
            for linear in self.model
            if isinstance(linear, nn.Linear) and linear.weight.grad is not None
        ]
        self.right.append((logits.argmax(1) == batch.y).float().mean().item())
        self.optimizer.step()


def through_depth(
    activation: str, layers: int, scale: float, norm: bool, seed: int, steps: int = STEPS
) -> Iterator[Block]:
    """Show what each layer's weights get of the gradient, beside the same network with ReLU."""
    yield Progress(0, steps, "reading the e-mails")
    batch = split(load("spam"), TRAIN_SIZE, seed).train
    with reproducible(seed):
        both = [
            _deep(name, batch.x.shape[1], layers, scale, norm, seed)
            for name in (activation, "relu")
        ]
        yield _saturated_table(both[0], batch)
        first: list[float] = []
        for step in range(steps):
            for trained in both:
                trained.step(batch)
            if step == 0:
                first = both[0].gradients
                yield _gradient_chart(both, 0, "first-gradients")
            if step % EVERY == 0 or step == steps - 1:
                yield _gradient_chart(both, step, "gradients")
                yield _accuracy_chart(both)
                yield Progress(step + 1, steps, f"step {step + 1} of {steps}")
    yield _vanished(activation, first, both)


def _deep(
    activation: str, inputs: int, layers: int, scale: float, norm: bool, seed: int
) -> Trained:
    torch.manual_seed(seed)
    modules: list[nn.Module] = []
    for _ in range(layers):
        modules.append(nn.Linear(inputs, WIDTH))
        if norm:
            modules.append(nn.BatchNorm1d(WIDTH))
        modules.append(ACTIVATIONS[activation]())
        inputs = WIDTH
    model = nn.Sequential(*modules, nn.Linear(WIDTH, 2))
    for module in model:
        if isinstance(module, nn.Linear):
            _initialise(module, activation, scale)
    return Trained(activation, model, torch.optim.SGD(model.parameters(), 0.1, momentum=0.9))


def _initialise(linear: nn.Linear, activation: str, scale: float) -> None:
    """Draw weights as is advised for the activation, times `scale`, and no bias.

    Torch's own default shrinks even ReLU's gradients with depth, which would hide the difference.

    References:
        Glorot, Bengio 2010, AISTATS, for sigmoid and tanh. He et al. 2015, arXiv:1502.01852, for
        ReLU.
    """
    if activation == "relu":
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    else:
        nn.init.xavier_normal_(linear.weight)
    nn.init.zeros_(linear.bias)
    with torch.no_grad():
        linear.weight.mul_(scale)


def slopes(activation: nn.Module, inputs: Tensor) -> Tensor:
    """Return the derivative of an activation at its inputs, as autograd computes it."""
    inputs = inputs.detach().requires_grad_()
    (slope,) = torch.autograd.grad(activation(inputs).sum(), inputs)
    return slope


def _saturated_table(trained: Trained, batch: Examples) -> Table:
    rows: list[tuple[Cell, ...]] = []
    values = batch.x
    for module in trained.model:
        if type(module) is ACTIVATIONS[trained.name]:
            slope = slopes(module, values)
            flat = (slope < FLAT * GREATEST_SLOPE[trained.name]).float().mean().item()
            mark = Mark.SATURATED if flat > 0.5 else Mark.NONE  # noqa: PLR2004  # most of them
            name = f"layer {len(rows) + 1}"
            rows.append(row(name, (figure(slope.mean().item()), Cell(percent(flat), mark))))
        with torch.no_grad():
            values = module(values)
    return Table(
        f"{LABELS[trained.name]} before the first step; saturated: a slope below "
        f"{FLAT * GREATEST_SLOPE[trained.name]:g}, a tenth of the greatest",
        ("", "mean slope", "saturated"),
        tuple(rows),
    )


def _gradient_chart(both: list[Trained], step: int, key: str) -> Chart:
    layers = tuple(str(number + 1) for number in range(len(both[0].gradients)))
    names = _names(both)
    return Chart(
        f"The gradient that reaches each layer's weights, step {step + 1}",
        "Norm of the loss's gradient by layer, from the input's side to the output's.",
        "linear layer, counted from the input",
        "norm of the gradient",
        tuple(
            Series(name, layers, tuple(_positive(trained.gradients)), Drawn.BARS)
            for name, trained in zip(names, both, strict=True)
        ),
        y_scale=Scale.LOG,
        y_range=_decades([value for trained in both for value in trained.gradients]),
        key=key,
    )


def _decades(values: list[float]) -> tuple[float, float] | None:
    """Return powers of ten around all values, so that the shortest bar is seen too."""
    shown = [value for value in values if value > 0 and math.isfinite(value)]
    if not shown:
        return None
    return 10.0 ** (math.ceil(math.log10(min(shown))) - 1), 10.0 ** math.ceil(
        math.log10(max(shown))
    )


def _positive(values: list[float]) -> list[float | None]:
    """Leave out zeros, which have no place on a logarithmic axis."""
    return [value if value > 0 else None for value in values]


def _names(both: list[Trained]) -> tuple[str, str]:
    return f"{LABELS[both[0].name]} (chosen)", "ReLU (to compare)"


def _accuracy_chart(both: list[Trained]) -> Chart:
    return Chart(
        "E-mails of the training set answered rightly",
        "Share of right answers before each training step, for both networks.",
        "training step",
        "share of e-mails",
        tuple(
            Series(name, tuple(range(len(trained.right))), tuple(trained.right))
            for name, trained in zip(_names(both), both, strict=True)
        ),
        y_range=(0.0, 1.0),
        key="accuracy",
    )


def _vanished(activation: str, gradients: list[float], both: list[Trained]) -> Outcome:
    first, last = gradients[0], gradients[-1]
    ratio = last / first if first else float("inf")
    choice = 0 if ratio < 10 else 1 if ratio <= 1000 else 2  # noqa: PLR2004  # as the choices say
    return Outcome(
        choice,
        f"With {LABELS[activation]} the gradient's norm at the first step is {figure(last)} at the "
        f"last layer and {figure(first)} at the first: a factor of {figure(ratio)}. After "
        f"{len(both[0].right)} steps of SGD it answers {percent(both[0].right[-1])} of its "
        f"training e-mails rightly, the network with ReLU {percent(both[1].right[-1])}.",
    )
