"""Dropout that is left on: a network's answers in training mode against evaluation mode."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from wolfsbane.experiment.data import Data, load
from wolfsbane.experiment.metrics import scores
from wolfsbane.experiment.training import seeded
from wolfsbane.learn.blocks import Block, Chart, Drawn, Outcome, Progress, Series, Table
from wolfsbane.learn.experiments.figures import percent
from wolfsbane.learn.experiments.tables import number, row
from wolfsbane.learn.experiments.trainings import READING, Recipe, prepare, train

RECIPE = Recipe(epochs=20)

WIDTH = 64

NUM_BINS = 10
"""Of the histogram of probabilities."""


def left_on(data: str, p: float, masks: int, seed: int) -> Iterator[Block]:
    """Train a network with dropout, then ask it about the test examples, dropout on and off."""
    yield READING
    drawn, _ = prepare(load(data), 300, 0.0, seed)
    model = _network(drawn, p, seed)
    for epoch in train(model, drawn, RECIPE, seed):
        yield Progress(epoch, RECIPE.epochs + masks, f"epoch {epoch} of {RECIPE.epochs}")
    evaluated = _answers(model.eval(), drawn)
    passes: list[Tensor] = []
    with seeded(seed):
        for done in range(1, masks + 1):
            passes.append(_answers(model.train(), drawn))
            words = f"pass {done} of {masks} with dropout on"
            yield Progress(RECIPE.epochs + done, RECIPE.epochs + masks, words)
    answers = torch.stack(passes)
    yield _histogram(answers, evaluated)
    yield _compared(answers, evaluated, drawn.test.y)
    yield _twice(answers)


def _network(data: Data, p: float, seed: int) -> nn.Module:
    with seeded(seed):
        return nn.Sequential(
            nn.Linear(data.input_shape[0], WIDTH),
            nn.ReLU(),
            nn.Dropout(p),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            nn.Dropout(p),
            nn.Linear(WIDTH, data.num_classes),
        )


def _answers(model: nn.Module, data: Data) -> Tensor:
    """Return the probabilities of all test examples, in the mode that the model is in."""
    with torch.no_grad():
        answers: Tensor = model(data.test.x).double().softmax(1)
    return answers


def _histogram(answers: Tensor, evaluated: Tensor) -> Chart:
    """Show the answers about the example whose probability varies most."""
    said = evaluated.argmax(1)
    of_said = answers[:, torch.arange(len(said)), said]
    example = int(of_said.std(0).argmax()) if len(answers) > 1 else 0
    counts = torch.histc(of_said[:, example], NUM_BINS, 0, 1).int().tolist()
    bins = tuple(f"{i / NUM_BINS:.1f} to {(i + 1) / NUM_BINS:.1f}" for i in range(NUM_BINS))
    alone = evaluated[example, said[example]].item()
    mean = of_said[:, example].mean().item()
    return Chart(
        "One test example: the probability of one class, with dropout on",
        f"Of test example {example}, whose answers vary most. In evaluation its probability is "
        f"{number(alone)}; the mean over {len(answers)} passes with dropout on is {number(mean)}.",
        "probability",
        "passes",
        (Series("passes with dropout on", bins, tuple(map(float, counts)), Drawn.BARS),),
        key="histogram",
    )


def _compared(answers: Tensor, evaluated: Tensor, y: Tensor) -> Table:
    # Smallest probability: log 0 is not finite.
    ways = {
        "in evaluation mode": evaluated,
        "one pass with dropout on": answers[0],
        f"mean of {len(answers)} passes": answers.mean(0),
    }
    found = {name: scores(of.clamp_min(1e-12).log(), y) for name, of in ways.items()}
    return Table(
        f"All {len(y)} test examples",
        ("", "accuracy", "negative log-likelihood"),
        tuple(row(name, (percent(s.accuracy), number(s.nll, 3))) for name, s in found.items()),
        key="compared",
    )


def _twice(answers: Tensor) -> Outcome:
    first, second = answers[0], answers[1]
    differ = (first != second).any(1)
    changed = first.argmax(1) != second.argmax(1)
    choice = 2 if changed.any() else int(differ.any())
    return Outcome(
        choice,
        f"Asked twice about the same {len(first)} test examples, the network gave another "
        f"probability for {int(differ.sum())} of them, and another class for {int(changed.sum())}.",
    )
