"""Section 7, hooks: what passes through the layers of a network while it trains."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from wolfsbane.experiment.data import Examples, load, split
from wolfsbane.learn.blocks import Block, Cell, Mark, Outcome, Progress, Table
from wolfsbane.learn.experiments.figures import figure, percent
from wolfsbane.learn.experiments.reproducible import reproducible
from wolfsbane.learn.experiments.tables import number, row
from wolfsbane.learn.experiments.trainings import measure

WIDTH = 64
TRAIN_SIZE = 500
BATCH_SIZE = 50
EPOCHS = 10
LAYERS = ("linear", "batch norm", "ReLU", "dropout", "last linear")


@dataclass(frozen=True)
class Seen:
    """What a hook saw of a layer's output."""

    output: Tensor

    @property
    def texts(self) -> tuple[str, str, str]:
        """Mean, deviation and share of zeros."""
        zeros = (self.output == 0).float().mean().item()
        return figure(self.output.mean().item()), figure(self.output.std().item()), percent(zeros)


def watch_layers(
    p: float, batch_size: int, change: str, seed: int, epochs: int = EPOCHS
) -> Iterator[Block]:
    """Train on spam with hooks on every layer; compare both modes on one batch after each epoch."""
    yield Progress(0, epochs, "reading the e-mails")
    data = split(load("spam"), TRAIN_SIZE, seed)
    batch = data.validation[torch.arange(batch_size)]
    with reproducible(seed):
        model = nn.Sequential(
            nn.Linear(data.train.x.shape[1], WIDTH),
            nn.BatchNorm1d(WIDTH),
            nn.ReLU(),
            nn.Dropout(p),
            nn.Linear(WIDTH, data.num_classes),
        )
        optimizer = torch.optim.Adam(model.parameters())
        for epoch in range(epochs):
            for index in torch.randperm(len(data.train)).split(BATCH_SIZE):
                optimizer.zero_grad()
                functional.cross_entropy(model(data.train.x[index]), data.train.y[index]).backward()
                optimizer.step()
            in_training, in_evaluation = outputs_in_both_modes(model, batch.x)
            differences = changes(in_training, in_evaluation)
            yield _layers_table(in_training, in_evaluation, differences, batch_size)
            yield Progress(epoch + 1, epochs, f"epoch {epoch + 1} of {epochs}")
        yield _changed_table(model, data.test, change)
    largest = differences.index(max(differences))
    yield Outcome(
        largest,
        f"Between the modes the output of the layer {LAYERS[largest]} changes most, on average by "
        f"{figure(differences[largest])} of its deviation. The first linear layer's "
        f"changes by {figure(differences[0])}, batch norm's by {figure(differences[1])}.",
    )


def outputs_in_both_modes(model: nn.Sequential, x: Tensor) -> tuple[list[Seen], list[Seen]]:
    """Return what hooks see of each layer in training and in evaluation mode.

    The model is left as it was: in training mode batch norm counts even a batch that is only
    looked at, so its statistics are put back.
    """
    state = copy.deepcopy(model.state_dict())
    seen: list[Seen] = []

    def record(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        seen.append(Seen(output.detach()))

    handles = [layer.register_forward_hook(record) for layer in model]
    with torch.no_grad():
        model.eval()
        model(x)
        model.train()
        model(x)
    for handle in handles:
        handle.remove()
    model.load_state_dict(state)
    return seen[len(model) :], seen[: len(model)]


def changes(in_training: list[Seen], in_evaluation: list[Seen]) -> list[float]:
    """Return by how much each layer's output differs, as a share of its deviation."""
    return [
        ((one.output - other.output).abs().mean() / other.output.std()).item()
        for one, other in zip(in_training, in_evaluation, strict=True)
    ]


def _layers_table(
    in_training: list[Seen], in_evaluation: list[Seen], differences: list[float], size: int
) -> Table:
    rows = []
    for name, one, other, difference in zip(
        LAYERS, in_training, in_evaluation, differences, strict=True
    ):
        mark = Mark.CHANGED if difference else Mark.NONE
        cells = tuple(f"{a} / {b}" for a, b in zip(one.texts, other.texts, strict=True))
        rows.append(row(name, (*cells, Cell(figure(difference), mark))))
    return Table(
        f"What the hooks saw of the same {size} e-mails: training mode / evaluation mode",
        ("layer", "mean", "deviation", "zeros", "change, in deviations"),
        tuple(rows),
        key="layers",
    )


CHANGES: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    "silence": ("sets half of ReLU's units to 0", lambda y: y * (torch.arange(y.shape[1]) % 2)),
    "double": ("doubles ReLU's output", lambda y: 2 * y),
    "negate": ("changes the sign of ReLU's output", lambda y: -y),
}
"""What a hook can do to an output: whatever it returns takes the output's place."""


def _changed_table(model: nn.Sequential, test: Examples, change: str) -> Table:
    what, function = CHANGES[change]
    before = measure(model, test)
    handle = model[2].register_forward_hook(lambda _module, _inputs, output: function(output))
    during = measure(model, test)
    handle.remove()
    after = measure(model, test)
    named = {"before the hook": before, "with the hook": during, "after handle.remove()": after}
    return Table(
        f"Test e-mails, with a hook that {what}",
        ("", "right", "negative log-likelihood"),
        tuple(
            row(name, (percent(scores.accuracy), number(scores.nll, 4)))
            for name, scores in named.items()
        ),
    )
