"""Mistakes with batch norm."""

from dataclasses import replace
from typing import TYPE_CHECKING

from wolfsbane.learn.playground.mistakes import needs
from wolfsbane.learn.playground.mistakes.mistake import Edit, Mistake

if TYPE_CHECKING:
    from wolfsbane.learn.playground.setup import Setup

SMALLEST_BATCH = 2
"""Of one example every batch would stop batch norm, and not the last one alone."""


def _one_left_over(setup: "Setup") -> "Setup":
    """Have batch norm, and one example more than full batches take."""
    size = max(SMALLEST_BATCH, setup.batch_size)
    full = setup.num_examples // size * size
    return replace(needs.batch_norm(setup), batch_size=size, num_examples=full + 1)


MOMENTUM = Mistake(
    "batch-norm-momentum-of-tensorflow",
    "WB302",
    "momentum = 0.99 as in TensorFlow",
    "In torch the momentum is the share of the new batch. With 0.99 the running statistics are "
    "those of the last batch alone: compare the two columns after some steps, with a small batch "
    "size.",
    (Edit(r"momentum=[\d.e-]+\)", "momentum=0.99)"),),
    needs.batch_norm,
)
ONE_LEFT_OVER = Mistake(
    "one-value-per-channel",
    "WB303",
    "a last batch of one example",
    "There is one example more than full batches take, and no `drop_last`. One value has no "
    "variance: torch raises an error at the end of the first epoch.",
    (Edit(", drop_last=True", ""),),
    _one_left_over,
)

MISTAKES = (MOMENTUM, ONE_LEFT_OVER)
