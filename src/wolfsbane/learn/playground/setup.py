"""What the student sets in the playground."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from wolfsbane.errors import ArgumentError
from wolfsbane.learn.controls import Control, Number, Options, read
from wolfsbane.learn.playground.mistakes import MISTAKES

LAYERS = ("linear", "norm", "activation", "dropout")
"""The layers of a hidden block, in the order that they have at first."""

DATA = Options(
    "data",
    "Data",
    (
        ("spirals", "Two spirals"),
        ("moons", "Two moons"),
        ("digits", "Handwritten digits"),
        ("spam", "Spam e-mail"),
    ),
    "spirals",
)
NORM = Options(
    "norm",
    "Norm",
    (("none", "none"), ("batch", "batch norm"), ("layer", "layer norm")),
    "batch",
)
ACTIVATION = Options(
    "activation",
    "Activation",
    (
        ("none", "none"),
        ("relu", "ReLU"),
        ("leaky_relu", "leaky ReLU"),
        ("gelu", "GELU"),
        ("silu", "SiLU"),
        ("tanh", "tanh"),
        ("sigmoid", "sigmoid"),
    ),
    "relu",
)
MISTAKE = Options(
    "mistake",
    "Break it",
    (("", "nothing is broken"), *((mistake.name, mistake.title) for mistake in MISTAKES)),
    "",
)

NETWORK: tuple[Control, ...] = (
    Number("p", "Dropout probability p", 0, 0.9, 0.05, 0.2, "At 0 there is no dropout layer."),
    NORM,
    Number(
        "momentum",
        "Momentum of batch norm",
        0.01,
        1,
        0.01,
        0.1,
        "The new batch's share of the running statistics.",
    ),
    ACTIVATION,
    Number("width", "Units in a hidden layer", 2, 64, 1, 32),
    Number("num_hidden", "Hidden layers", 1, 4, 1, 2),
)
EXAMPLES: tuple[Control, ...] = (
    DATA,
    Number("num_examples", "Training examples", 32, 1000, 1, 256),
    Number("label_noise", "Share of random training labels", 0, 0.8, 0.05, 0),
)
TRAINING: tuple[Control, ...] = (
    Number("batch_size", "Batch size", 1, 256, 1, 32),
    Number("learning_rate", "Learning rate (Adam)", 0.0001, 1, 0.0001, 0.01),
    Number("epochs", "Epochs", 1, 200, 1, 40),
    Number("seed", "Seed", 0, 9999, 1, 0),
)
LOOK = Number(
    "steps", "Training steps before the look", 0, 500, 1, 0, "At 0 the network is as it was made."
)
CONTROLS: tuple[Control, ...] = (*NETWORK, *EXAMPLES, *TRAINING, LOOK, MISTAKE)
"""All of a setup but the order of the layers, which has a control of its own."""


@dataclass(frozen=True)
class Setup:
    """A network, its data and its training.

    Attributes:
        order: a permutation of `LAYERS`: how those that are there follow one another in a hidden
            block.
        mistake: the name of one of `MISTAKES`, or empty.

    The others are what their controls say.
    """

    order: tuple[str, ...] = LAYERS
    p: float = 0.2
    norm: str = "batch"
    momentum: float = 0.1
    activation: str = "relu"
    width: int = 32
    num_hidden: int = 2
    data: str = "spirals"
    num_examples: int = 256
    label_noise: float = 0.0
    batch_size: int = 32
    learning_rate: float = 0.01
    epochs: int = 40
    seed: int = 0
    steps: int = 0
    mistake: str = ""

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that are there, in order."""
        absent = {
            "dropout": self.p == 0,
            "norm": self.norm == "none",
            "activation": self.activation == "none",
        }
        return tuple(layer for layer in self.order if not absent.get(layer, False))

    def as_json(self) -> dict[str, Any]:
        """Return the setup as JSON has it."""
        return {**asdict(self), "order": list(self.order)}


def setup_of(given: Mapping[str, object]) -> Setup:
    """Return the setup that a page asks for; what it leaves out is as it is at first.

    Raises:
        ArgumentError: a value that cannot be, or a name that no setting has.
    """
    known = [field.name for field in fields(Setup)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ArgumentError(f"unknown setting {unknown[0]!r}. There are: {', '.join(known)}")
    values: dict[str, Any] = dict(
        read(CONTROLS, {name: value for name, value in given.items() if name != "order"})
    )
    setup = Setup(order=_order(given.get("order", LAYERS)), **values)
    if setup.batch_size > setup.num_examples:
        raise ArgumentError(
            f"batch size has to be at most the number of training examples, {setup.num_examples}, "
            f"but got {setup.batch_size}. Take a smaller batch, or more examples"
        )
    return setup


def read_setup(given: Mapping[str, object]) -> dict[str, Any]:
    """Return a page's setup, checked and complete, as JSON: the arguments of the playground's runs.

    Raises:
        ArgumentError: as `setup_of`.
    """
    return setup_of(given).as_json()


def _order(given: object) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or sorted(map(str, given)) != sorted(LAYERS):
        raise ArgumentError(
            f"order has to list {', '.join(LAYERS)}, each once, in any order, but got {given!r}"
        )
    return tuple(map(str, given))
