"""Setups in which a mistake can be made at all: what the student set, changed no more than needed.

A setup is changed by `dataclasses.replace`: its class knows the menu, and so cannot be imported.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wolfsbane.learn.playground.setup import Setup

COMMON_RATE = 0.3
RECTIFIER = "relu"
SAVES_RESULT = ("relu", "tanh", "sigmoid")
"""Activations whose derivative torch computes from what they returned."""

FEWEST_UNITS, SMALLEST_BATCH, FEWEST_EPOCHS = 16, 32, 10
"""Of fewer units or examples than these the auditor calls it an accident that all are inactive."""


def dropout(setup: "Setup") -> "Setup":
    """Have dropout."""
    return setup if setup.p else replace(setup, p=COMMON_RATE)


def batch_norm(setup: "Setup") -> "Setup":
    """Have batch norm."""
    return replace(setup, norm="batch")


def dropout_behind_batch_norm(setup: "Setup") -> "Setup":
    """Have both, the dropout at the end and the linear layer first."""
    others = [layer for layer in linear_first(setup).order if layer != "dropout"]
    return dropout(batch_norm(replace(setup, order=(*others, "dropout"))))


def layer_that_depends_on_mode(setup: "Setup") -> "Setup":
    """Have a layer that does not do the same in training and in evaluation."""
    return setup if setup.norm == "batch" else dropout(setup)


def several_epochs(setup: "Setup") -> "Setup":
    """Have epochs after the first evaluation, and a layer that depends on the mode."""
    return layer_that_depends_on_mode(replace(setup, epochs=max(3, setup.epochs)))


def hidden_layers_with_activation(setup: "Setup") -> "Setup":
    """Have hidden layers that follow one another, with an activation."""
    activation = RECTIFIER if setup.activation == "none" else setup.activation
    return replace(setup, num_hidden=max(2, setup.num_hidden), activation=activation)


def linear_first(setup: "Setup") -> "Setup":
    """Have each hidden layer begin with its linear layer."""
    others = [layer for layer in setup.order if layer != "linear"]
    return replace(setup, order=("linear", *others))


def result_is_saved(setup: "Setup") -> "Setup":
    """Have an activation whose derivative is computed from its result, behind the linear layer."""
    activation = setup.activation if setup.activation in SAVES_RESULT else RECTIFIER
    return replace(linear_first(setup), activation=activation)


def relu_without_norm(setup: "Setup") -> "Setup":
    """Have ReLU straight behind the linear layer, and enough to say that its units are dead."""
    return replace(
        setup,
        order=("linear", "norm", "activation", "dropout"),
        norm="none",
        activation=RECTIFIER,
        width=max(FEWEST_UNITS, setup.width),
        num_examples=max(SMALLEST_BATCH, setup.num_examples),
        batch_size=max(SMALLEST_BATCH, setup.batch_size),
        epochs=max(FEWEST_EPOCHS, setup.epochs),
    )


def tanh_without_norm(setup: "Setup") -> "Setup":
    """Have tanh straight behind the linear layer, and enough to say that it is saturated."""
    return replace(relu_without_norm(setup), activation="tanh")
