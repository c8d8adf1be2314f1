"""What the page's playground is made of, before any run. No torch."""

from dataclasses import dataclass

from wolfsbane.learn.controls import Control
from wolfsbane.learn.playground import setup
from wolfsbane.learn.playground.program import program_of


@dataclass(frozen=True)
class Layer:
    """A layer in the list that the student puts in order.

    Attributes:
        name: as in `LAYERS`.
        label: what the list says.
        control: the name of the control that takes it away; empty where none does.
        absent: the control's value that does.
    """

    name: str
    label: str
    control: str = ""
    absent: str = ""


@dataclass(frozen=True)
class Contents:
    """The playground's controls and its first program.

    Attributes:
        layers: in the order that they have at first.
        network, examples, training: controls, in groups.
        look: how far to train before a look.
        mistake: the "break it" menu.
        program: of the setup that the page begins with.
    """

    layers: tuple[Layer, ...]
    network: tuple[Control, ...]
    examples: tuple[Control, ...]
    training: tuple[Control, ...]
    look: Control
    mistake: Control
    program: str


LAYERS = (
    Layer("linear", "Linear"),
    Layer("norm", "Norm", "norm", "none"),
    Layer("activation", "Activation", "activation", "none"),
    Layer("dropout", "Dropout", "p", "0"),
)


def contents() -> Contents:
    """Return what the page shows."""
    return Contents(
        layers=LAYERS,
        network=setup.NETWORK,
        examples=setup.EXAMPLES,
        training=setup.TRAINING,
        look=setup.LOOK,
        mistake=setup.MISTAKE,
        program=program_of(setup.Setup()),
    )
