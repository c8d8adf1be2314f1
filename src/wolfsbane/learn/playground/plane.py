"""What a network answers all over the plane, where its examples have two numbers each."""

import torch
from torch import Tensor

from wolfsbane.learn.blocks import Cell, Regions, Table
from wolfsbane.learn.playground.building import Built
from wolfsbane.learn.playground.looking import look

NUM_CELLS = 48
"""Along each side of the picture: fine enough for the spirals' arms."""
MARGIN = 0.2
"""Around the outermost examples, in standard deviations of the data."""
DECIMALS = 3


def plane(built: Built) -> Regions:
    """Return the network's answers in evaluation mode, and the training examples."""
    x, y = built.train_data
    (x_low, y_low), (x_high, y_high) = x.amin(0) - MARGIN, x.amax(0) + MARGIN
    across = torch.linspace(float(x_low), float(x_high), NUM_CELLS)
    up = torch.linspace(float(y_low), float(y_high), NUM_CELLS)
    grid = torch.cartesian_prod(up, across).flip(1)
    answers = _answers(built, grid).view(NUM_CELLS, NUM_CELLS)
    return Regions(
        "What the network answers, and the training examples",
        "The plane is coloured by the class that the network answers in evaluation mode. A table "
        "below counts right answers.",
        (round(float(x_low), DECIMALS), round(float(x_high), DECIMALS)),
        (round(float(y_low), DECIMALS), round(float(y_high), DECIMALS)),
        tuple(tuple(row) for row in answers.tolist()),
        tuple(
            (round(a, DECIMALS), round(b, DECIMALS), label)
            for (a, b), label in zip(x.tolist(), y.tolist(), strict=True)
        ),
        _counts(_answers(built, x), y),
        "regions",
    )


def _answers(built: Built, x: Tensor) -> Tensor:
    return look(built.model, x, training=False, seed=0).logits.argmax(1)


def _counts(answers: Tensor, y: Tensor) -> Table:
    rows = []
    for label in y.unique().tolist():
        of_class = y == label
        right = int((answers == label)[of_class].sum())
        rows.append((Cell(str(label)), Cell(str(int(of_class.sum()))), Cell(str(right))))
    return Table("Training examples of each class", ("class", "examples", "right"), tuple(rows))
