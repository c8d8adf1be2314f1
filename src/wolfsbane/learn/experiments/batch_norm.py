"""Batch norm as numbers: what it normalises, and the same batch in training and evaluation."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as torch_functional

from wolfsbane.learn.blocks import Block, Chart, Mark, Outcome, Scale, Series, Table
from wolfsbane.learn.experiments.figures import figure
from wolfsbane.learn.experiments.programs import run_shown
from wolfsbane.learn.experiments.reproducible import reproducible
from wolfsbane.learn.experiments.tables import marked, number, row

MEANS = (0.0, 5.0, -20.0, 100.0)
DEVIATIONS = (1.0, 0.5, 4.0, 30.0)
"""Of the columns that are normalised, as different as measurements of an e-mail are."""

NUM_SHOWN = 6
"""Examples in a table, at most."""

HARDLY, LITTLE = 0.001, 0.5
"""Largest differences between the modes' outputs, whose standard deviation is about 1."""

ONE_EXAMPLE = """import torch
from torch import nn

layer = nn.BatchNorm1d(4)
one_email = torch.ones(1, 4)

layer.eval()
print("in evaluation:", layer(one_email).detach())
layer.train()
print("in training:", layer(one_email).detach())
"""


def normalise(batch_size: int, weight: float, bias: float, seed: int) -> Iterator[Block]:
    """Give a batch to a batch norm in training mode."""
    layer = nn.BatchNorm1d(len(MEANS))
    with reproducible(seed), torch.no_grad():
        layer.weight.fill_(weight)
        layer.bias.fill_(bias)
        batch = _draw(batch_size)
        output = layer(batch)
    yield _columns_table("The batch, as it goes in", batch, "in")
    yield _columns_table(
        f"What comes out in training, with weight (gamma) {weight:g} and bias (beta) {bias:g}",
        output,
        "out",
    )
    yield _normalised_over(batch, (output - bias) / weight)


def modes(steps: int, momentum: float, batch_size: int, seed: int) -> Iterator[Block]:
    """Show a batch norm some batches, then one more, in evaluation and in training mode."""
    layer = nn.BatchNorm1d(len(MEANS), momentum=momentum)
    with reproducible(seed):
        batch = _draw(batch_size)
        trained = layer(batch).detach()
        layer.reset_running_stats()
        differences = [_difference(layer, batch, trained)]
        for _ in range(steps):
            layer.train()(_draw(batch_size))
            differences.append(_difference(layer, batch, trained))
    yield _both_modes_table(batch, trained, layer.eval()(batch).detach(), steps)
    yield _statistics_table(layer, batch)
    yield _difference_chart(differences)
    yield run_shown(ONE_EXAMPLE, "one")[0]
    yield _how_different(differences[-1], steps)


def _draw(batch_size: int) -> Tensor:
    noise = torch.randn(batch_size, len(MEANS))
    return torch.tensor(MEANS) + torch.tensor(DEVIATIONS) * noise


def _columns() -> tuple[str, ...]:
    return "feature", *(str(index) for index in range(1, len(MEANS) + 1))


def _columns_table(caption: str, batch: Tensor, key: str) -> Table:
    rows = [row(f"example {index}", each.tolist()) for index, each in enumerate(batch, start=1)]
    wide = batch.double()
    rows.append(row("mean of the column", wide.mean(0).tolist()))
    rows.append(row("variance of the column", wide.var(0, correction=0).tolist()))
    return Table(caption, _columns(), tuple(rows), key=key)


def _normalised_over(batch: Tensor, output: Tensor) -> Outcome:
    """Compare what came out with the three ways to normalise that are offered as choices."""
    columns = (batch - batch.mean(0)) / (batch.var(0, correction=0) + 1e-5).sqrt()
    examples = torch_functional.layer_norm(batch, batch.shape[1:])
    everything = (batch - batch.mean()) / batch.std(correction=0)
    distances = [(output - way).abs().max().item() for way in (columns, examples, everything)]
    names = ("per column", "per example", "over all values")
    found = ", ".join(
        f"{name} {figure(distance)}" for name, distance in zip(names, distances, strict=True)
    )
    return Outcome(
        distances.index(min(distances)),
        "Weight and bias undone, the largest difference between the layer's output and the batch "
        f"normalised by hand is: {found}.",
    )


def _difference(layer: nn.BatchNorm1d, batch: Tensor, trained: Tensor) -> float:
    with torch.no_grad():
        return float((layer.eval()(batch) - trained).abs().max())


def _both_modes_table(batch: Tensor, trained: Tensor, evaluated: Tensor, steps: int) -> Table:
    rows = []
    for index in range(min(NUM_SHOWN, len(batch))):
        changed = [
            Mark.CHANGED if abs(a - b) > HARDLY else Mark.NONE
            for a, b in zip(trained[index].tolist(), evaluated[index].tolist(), strict=True)
        ]
        name = f"example {index + 1}"
        rows += [
            row(f"{name}, in training", trained[index].tolist()),
            row(f"{name}, in evaluation", marked(evaluated[index].tolist(), changed)),
        ]
    return Table(
        f"The same batch in both modes, after {steps} steps on others", _columns(), tuple(rows)
    )


def _statistics_table(layer: nn.BatchNorm1d, batch: Tensor) -> Table:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    return Table(
        "What is subtracted, and what is divided by",
        _columns(),
        (
            row("mean of this batch: training", batch.mean(0).tolist()),
            row("running mean: evaluation", layer.running_mean.tolist()),
            row("variance of this batch: training", batch.var(0, correction=0).tolist()),
            row("running variance: evaluation", layer.running_var.tolist()),
        ),
        key="statistics",
    )


def _difference_chart(differences: Sequence[float]) -> Chart:
    return Chart(
        "How far evaluation is from training, on this batch",
        f"The largest difference is {number(differences[0])} for a new layer and "
        f"{number(differences[-1])} after {len(differences) - 1} steps.",
        "steps on other batches",
        "largest difference of an output",
        (
            Series(
                "largest difference",
                tuple(float(step) for step in range(len(differences))),
                tuple(round(difference, 4) for difference in differences),
            ),
        ),
        y_scale=Scale.LOG,
        key="difference",
    )


def _how_different(difference: float, steps: int) -> Outcome:
    return Outcome(
        (difference > HARDLY) + (difference > LITTLE),
        f"After {steps} steps the largest difference between the modes' outputs is "
        f"{figure(difference)}.",
    )
