"""Dropout as numbers: mask, scale, training against evaluation, the mean, the backward pass."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from wolfsbane.experiment.training import seeded
from wolfsbane.learn.blocks import Block, Cell, Chart, Mark, Outcome, Progress, Scale, Series, Table
from wolfsbane.learn.experiments.figures import figure, percent
from wolfsbane.learn.experiments.programs import run_shown
from wolfsbane.learn.experiments.tables import marked, number, row

NUM_EXAMPLES, NUM_FEATURES = 3, 6

NUM_VALUES = 8
"""Through which a gradient is followed."""

SOURCE = """import torch
from torch import nn

torch.manual_seed({seed})
layer = nn.Dropout({p})

layer.train()
print(layer(torch.ones(4)))
layer.eval()
print(layer(torch.ones(4)))
"""

MOST_POINTS = 40
"""Of a line over the number of masks, which is drawn on a logarithmic scale."""

ROUNDS = 20
"""Times that the chart of the mean is drawn anew."""

MEAN_OF = (1.0, 2.0, 3.0, 4.0)


def modes(p: float, values: str, seed: int) -> Iterator[Block]:
    """Give one batch to a dropout layer in training mode, twice, and in evaluation mode."""
    yield run_shown(SOURCE.format(seed=seed, p=p), "source")[0]
    with seeded(seed):
        batch = _batch(values)
        layer = nn.Dropout(p)
        outputs = [_mixed(layer, batch), layer(batch)]
    mask = outputs[0] != 0
    evaluated = layer.eval()(batch)
    yield _modes_table(batch, mask, outputs[0], evaluated)
    yield _means_table(p, batch, outputs[0], evaluated)
    yield _masks_table([output != 0 for output in outputs])
    yield _scale(p, batch, outputs)


def expectation(p: float, masks: int, seed: int) -> Iterator[Block]:
    """Average a dropout layer's output over more and more masks."""
    values = torch.tensor(MEAN_OF)
    layer = nn.Dropout(p)
    with seeded(seed):
        outputs = layer(values.repeat(masks, 1))
    means = outputs.double().cumsum(0) / torch.arange(1, masks + 1)[:, None]
    for done in range(1, ROUNDS + 1):
        shown = max(1, masks * done // ROUNDS)
        yield Progress(shown, masks, f"{shown} of {masks} masks")
        yield _mean_chart(means[:shown])
    evaluated = layer.eval()(values)
    yield _expectation_table(outputs, evaluated)
    yield _which_mean(p, values, means[-1], evaluated)


def backward(p: float, seed: int) -> Iterator[Block]:
    """Follow the gradient of a sum back through a dropout layer."""
    with seeded(seed):
        values = torch.randint(1, 10, (NUM_VALUES,)).float().requires_grad_()
        output = _mixed(nn.Dropout(p), values)
    output.sum().backward()
    gradient = values.grad
    assert gradient is not None
    marks = _marks(output != 0)
    yield Table(
        f"A dropout layer at p = {p}, forward and back",
        ("", *(str(index) for index in range(1, len(values) + 1))),
        (
            row("value", values.tolist()),
            row("output", marked(output.tolist(), marks)),
            row("gradient", marked(gradient.tolist(), marks)),
        ),
        key="gradient",
    )
    yield _gradient_of_dropped(output.detach(), gradient)


def _mixed(layer: nn.Dropout, values: Tensor) -> Tensor:
    """Return the first output that keeps some values and drops some: each call draws a mask."""
    while True:
        output: Tensor = layer(values)
        if 0 < (output != 0).sum() < len(values.flatten()):
            return output


def _batch(values: str) -> Tensor:
    shape = NUM_EXAMPLES, NUM_FEATURES
    return torch.ones(shape) if values == "ones" else torch.randint(1, 10, shape).float()


def _marks(mask: Tensor) -> list[Mark]:
    return [Mark.KEPT if kept else Mark.DROPPED for kept in mask.tolist()]


def _features() -> tuple[str, ...]:
    return "feature", *(str(index) for index in range(1, NUM_FEATURES + 1))


def _modes_table(batch: Tensor, mask: Tensor, trained: Tensor, evaluated: Tensor) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for index in range(NUM_EXAMPLES):
        name, marks = f"example {index + 1}", _marks(mask[index])
        rows += (
            row(f"{name}, value", batch[index].tolist()),
            row(f"{name}, mask", _mask_cells(mask[index])),
            row(f"{name}, in training", marked(trained[index].tolist(), marks)),
            row(f"{name}, in evaluation", evaluated[index].tolist()),
        )
    return Table("The same batch in both modes", _features(), tuple(rows), key="modes")


def _mask_cells(mask: Tensor) -> list[Cell]:
    cells = zip(mask.tolist(), _marks(mask), strict=True)
    return [Cell(str(int(kept)), mark) for kept, mark in cells]


def _means_table(p: float, batch: Tensor, trained: Tensor, evaluated: Tensor) -> Table:
    shares = [(tensor == 0).double().mean().item() for tensor in (batch, trained, evaluated)]
    means = [tensor.double().mean().item() for tensor in (batch, trained, evaluated)]
    return Table(
        f"All {batch.numel()} values together, at p = {p}",
        ("", "values", "in training", "in evaluation"),
        (row("share of zeros", map(percent, shares)), row("mean", means)),
        key="means",
    )


def _masks_table(masks: list[Tensor]) -> Table:
    return Table(
        "The mask of example 1 in two calls, one after the other",
        _features(),
        tuple(
            row(f"call {call}", _mask_cells(mask[0])) for call, mask in enumerate(masks, start=1)
        ),
        key="masks",
    )


def _scale(p: float, batch: Tensor, outputs: list[Tensor]) -> Outcome:
    ratios = torch.cat([(output / batch)[output != 0] for output in outputs])
    ratio = ratios.double().mean().item()
    choice = nearest(ratio, (1.0, 1 - p, 1 / (1 - p)))
    return Outcome(
        choice,
        f"At p = {p} what was kept (in both calls {len(ratios)} values) became {figure(ratio)} "
        f"times what it was; `1 - p` is {figure(1 - p)}, and `1 / (1 - p)` is "
        f"{figure(1 / (1 - p))}.",
    )


def nearest(value: float, candidates: tuple[float, ...]) -> int:
    """Return the index of the candidate nearest to a value."""
    return min(range(len(candidates)), key=lambda index: abs(candidates[index] - value))


def _mean_chart(means: Tensor) -> Chart:
    last = len(means)
    counts = sorted({round(last ** (index / MOST_POINTS)) for index in range(MOST_POINTS + 1)})
    x = tuple(float(count) for count in counts)
    series = [
        Series(
            f"value {value:g}", x, tuple(round(means[count - 1, i].item(), 4) for count in counts)
        )
        for i, value in enumerate(MEAN_OF)
    ]
    return Chart(
        "Mean of the output over masks",
        f"After {last} masks the means of the outputs for the values 1, 2, 3 and 4 are "
        f"{', '.join(number(mean, 3) for mean in means[-1].tolist())}.",
        "masks",
        "mean of the output",
        tuple(series),
        x_scale=Scale.LOG,
        key="mean",
    )


def _expectation_table(outputs: Tensor, evaluated: Tensor) -> Table:
    wide = outputs.double()
    error = wide.std(0) / len(wide) ** 0.5
    return Table(
        f"Outputs over {len(wide)} masks",
        ("", *(f"value {value:g}" for value in MEAN_OF)),
        (
            row("smallest", wide.amin(0).tolist()),
            row("largest", wide.amax(0).tolist()),
            row("mean", [number(value, 3) for value in wide.mean(0).tolist()]),
            row("standard error of the mean", [number(value, 3) for value in error.tolist()]),
            row("in evaluation", evaluated.tolist()),
        ),
        key="outputs",
    )


def _which_mean(p: float, values: Tensor, means: Tensor, evaluated: Tensor) -> Outcome:
    ratio = (means / values).mean().item()
    same = torch.equal(evaluated, values)
    return Outcome(
        nearest(ratio, (1 - p, 1.0, 1 / (1 - p))),
        f"On average the mean is {figure(ratio)} times the value. In evaluation the output "
        f"{'is exactly' if same else 'is not'} the value.",
    )


def _gradient_of_dropped(output: Tensor, gradient: Tensor) -> Outcome:
    dropped, kept = gradient[output == 0], gradient[output != 0]
    largest, of_kept = dropped.abs().max().item(), kept.mean().item()
    return Outcome(
        nearest(largest, (0.0, 1.0, of_kept)),
        f"Each dropped value ({len(dropped)} of {len(output)}) gets a gradient of "
        f"{figure(largest)}, each kept one {figure(of_kept)}.",
    )
