"""Section 5, dead units: those that are 0 for every example, counted while a network trains."""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from wolfsbane.experiment.data import Examples, load, split
from wolfsbane.learn.blocks import Block, Cell, Chart, Mark, Outcome, Progress, Series, Table
from wolfsbane.learn.experiments.figures import percent
from wolfsbane.learn.experiments.reproducible import reproducible

WIDTH = 64
TRAIN_SIZE = 500
BATCH_SIZE = 50
EPOCHS = 15
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
}
FEW = 0.05


def dead_units(
    activation: str, learning_rate: str, bias: float, seed: int, epochs: int = EPOCHS
) -> Iterator[Block]:
    """Train on spam, and count after each epoch the units that are 0 for every example."""
    yield Progress(0, epochs, "reading the e-mails")
    train = split(load("spam"), TRAIN_SIZE, seed).train
    with reproducible(seed):
        model = build(activation, train.x.shape[1], bias)
        optimizer = torch.optim.Adam(model.parameters(), float(learning_rate))
        counts, right = [count_dead(model, train)], [_accuracy(model, train)]
        for epoch in range(epochs):
            for index in torch.randperm(len(train)).split(BATCH_SIZE):
                batch = train[index]
                optimizer.zero_grad()
                functional.cross_entropy(model(batch.x), batch.y).backward()
                optimizer.step()
            counts.append(count_dead(model, train))
            right.append(_accuracy(model, train))
            yield _chart(counts, right)
            yield Progress(epoch + 1, epochs, f"epoch {epoch + 1} of {epochs}")
        yield _reach(model, train)
    yield _outcome(counts, right)


def build(activation: str, inputs: int, bias: float) -> nn.Sequential:
    """Return an MLP of two hidden layers, to whose biases `bias` is added."""
    make = ACTIVATIONS[activation]
    first, second = nn.Linear(inputs, WIDTH), nn.Linear(WIDTH, WIDTH)
    with torch.no_grad():
        first.bias.add_(bias)
        second.bias.add_(bias)
    return nn.Sequential(first, make(), second, make(), nn.Linear(WIDTH, 2))


def count_dead(model: nn.Sequential, examples: Examples) -> tuple[int, int]:
    """Return how many units of either hidden layer are 0 for every example."""
    with torch.no_grad():
        first = model[:2](examples.x)
        second = model[2:4](first)
    return int((first == 0).all(0).sum()), int((second == 0).all(0).sum())


def _accuracy(model: nn.Module, examples: Examples) -> float:
    with torch.no_grad():
        return float((model(examples.x).argmax(1) == examples.y).float().mean())


def _chart(counts: list[tuple[int, int]], right: list[float]) -> Chart:
    epochs = tuple(range(len(counts)))
    return Chart(
        "Dead units, and what the network gets right",
        "Shares by epoch: units of either hidden layer that are 0 for every training e-mail, and "
        "training e-mails answered rightly.",
        "epoch",
        "share",
        (
            Series("dead, first hidden layer", epochs, tuple(one / WIDTH for one, _ in counts)),
            Series("dead, second hidden layer", epochs, tuple(two / WIDTH for _, two in counts)),
            Series("e-mails answered rightly", epochs, tuple(right)),
        ),
        y_range=(0.0, 1.0),
        key="dead",
    )


def _reach(model: nn.Sequential, examples: Examples) -> Table:
    """Count the units whose weights get no gradient at all, over all training examples."""
    model.zero_grad()
    functional.cross_entropy(model(examples.x), examples.y).backward()
    rows = []
    for number, layer in enumerate((model[0], model[2])):
        assert isinstance(layer, nn.Linear)
        assert layer.weight.grad is not None
        stuck = int((layer.weight.grad == 0).all(1).sum())
        dead = count_dead(model, examples)[number]
        name = Cell(f"hidden layer {number + 1}")
        mark = Mark.DEAD if dead else Mark.NONE
        rows.append((name, Cell(str(WIDTH)), Cell(str(dead), mark), Cell(str(stuck))))
    return Table(
        "At the end, over all training e-mails",
        ("", "units", "0 for every e-mail", "whose weights get no gradient"),
        tuple(rows),
    )


def _outcome(counts: list[tuple[int, int]], right: list[float]) -> Outcome:
    share = sum(counts[-1]) / (2 * WIDTH)
    choice = 0 if share <= FEW else 1 if share <= 0.5 else 2  # noqa: PLR2004  # as the choices say
    return Outcome(
        choice,
        f"{sum(counts[-1])} of {2 * WIDTH} hidden units ({percent(share)}) are 0 for every "
        f"training e-mail after {len(counts) - 1} epochs; before training {sum(counts[0])} were. "
        f"The network answers {percent(right[-1])} of its training e-mails rightly.",
    )
