"""Section 5: what a network is without activations, and what activations do to gradients."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from wolfsbane.learn.blocks import Block, Chart, Outcome, Progress, Series, Table
from wolfsbane.learn.experiments.figures import figure, percent
from wolfsbane.learn.experiments.reproducible import reproducible
from wolfsbane.learn.experiments.spirals import (
    LABELS,
    NUM_POINTS,
    Points,
    build,
    draw_spirals,
    num_right,
    regions,
)
from wolfsbane.learn.experiments.tables import row

STEPS = 600
"""Of Adam on all points at once; at LEARNING_RATE sigmoid needs up to 400 of them, ReLU 100."""
LEARNING_RATE = 0.03
EVERY = 30
TOLD_APART = 0.95
"""Share of right answers from which on the spirals count as told apart."""


def separate(
    activation: str, spirals: str, layers: int, width: int, seed: int, steps: int = STEPS
) -> Iterator[Block]:
    """Train a network with the activation, and its twin without, on spirals."""
    points = draw_spirals(int(spirals), seed)
    names = (f"{LABELS[activation]} (chosen)", "without activation")
    with reproducible(seed):
        models = []
        for each in (activation, "none"):
            torch.manual_seed(seed)
            models.append(build(each, layers, width, points.num_spirals))
        optimizers = [torch.optim.Adam(model.parameters(), LEARNING_RATE) for model in models]
        seen: list[int] = []
        curves: list[list[float]] = [[], []]
        for step in range(steps + 1):
            if step % EVERY == 0 or step == steps:
                seen.append(step)
                for model, curve in zip(models, curves, strict=True):
                    curve.append(num_right(model, points) / NUM_POINTS)
                for number, (model, name) in enumerate(zip(models, names, strict=True)):
                    yield regions(model, points, f"The network: {name}", f"regions-{number}")
                yield _accuracy_chart(names, seen, curves)
                yield Progress(step, steps, f"step {step} of {steps}")
            for model, optimizer in zip(models, optimizers, strict=True):
                _train_step(model, optimizer, points)
    yield _told_apart(names, curves[0][-1], curves[1][-1])


def _train_step(model: nn.Module, optimizer: torch.optim.Optimizer, points: Points) -> None:
    optimizer.zero_grad()
    functional.cross_entropy(model(points.x), points.y).backward()
    optimizer.step()


def _accuracy_chart(names: tuple[str, str], seen: list[int], curves: list[list[float]]) -> Chart:
    return Chart(
        "Points answered rightly",
        "Share of right answers after each training step, with the activation and without.",
        "training step",
        "share of points",
        tuple(
            Series(name, tuple(seen), tuple(curve))
            for name, curve in zip(names, curves, strict=True)
        ),
        y_range=(0.0, 1.0),
        key="accuracy",
    )


def _told_apart(names: tuple[str, str], first: float, second: float) -> Outcome:
    able = (first >= TOLD_APART, second >= TOLD_APART)
    choice = [(True, False), (True, True), (False, True), (False, False)].index(able)
    return Outcome(
        choice,
        f"In the end {names[0]} answers {percent(first)} of {NUM_POINTS} "
        f"points rightly, the twin without activation {percent(second)}. "
        f"From {percent(TOLD_APART)} on a network counts as telling the spirals apart.",
    )


SAME = 1e-5
"""Relative difference up to which two outputs are equal but for float32's rounding."""


def collapse(activation: str, layers: int, width: int, seed: int) -> Iterator[Block]:
    """Replace a stack of layers by one, whose weight is the product of all weights."""
    points = draw_spirals(2, seed)
    with reproducible(seed):
        stack = build(activation, layers, width, 2)
        linears = [module for module in stack if isinstance(module, nn.Linear)]
        weight, bias = product_of(linears)
        with torch.no_grad():
            output = stack(points.x)
            single = points.x @ weight.T + bias
    difference = (output - single).abs().max().item()
    size = output.abs().max().item()
    relative = difference / size
    yield Table(
        "The stack, and the one layer that its weights multiply to",
        ("", "the stack", "one layer"),
        (
            row("linear layers", (str(len(linears)), "1")),
            row(
                "weights and biases",
                (
                    f"{sum(parameter.numel() for parameter in stack.parameters()):,}",
                    str(weight.numel() + bias.numel()),
                ),
            ),
            row("largest output", (figure(size), figure(single.abs().max().item()))),
            row("largest difference of outputs", ("", figure(difference))),
            row("the same, as a share of the largest output", ("", figure(relative))),
        ),
    )
    yield _examples(points.x[:5], output, single)
    choice = 0 if relative <= SAME else 1 if relative <= 0.01 else 2  # noqa: PLR2004  # 1 %
    yield Outcome(
        choice,
        f"On {NUM_POINTS} points the outputs differ by at most {figure(difference)}, which is "
        f"{figure(relative)} of the largest output.",
    )


def product_of(linears: list[nn.Linear]) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the one layer that linear layers in a row amount to."""
    weight, bias = torch.eye(linears[0].in_features), torch.zeros(linears[0].in_features)
    for linear in linears:
        weight = linear.weight.detach() @ weight
        bias = linear.weight.detach() @ bias + linear.bias.detach()
    return weight, bias


def _examples(x: Tensor, output: Tensor, single: Tensor) -> Table:
    rows = (
        row(
            f"({point[0]:.2f}, {point[1]:.2f})",
            [", ".join(f"{value:.5f}" for value in pair) for pair in (stacked, alone)],
        )
        for point, stacked, alone in zip(
            x.tolist(), output[: len(x)].tolist(), single[: len(x)].tolist(), strict=True
        )
    )
    return Table("Five points", ("point", "the stack", "one layer"), tuple(rows))
