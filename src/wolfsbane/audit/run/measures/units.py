"""How active the units of an activation are, over the last sampled steps.

A unit is a feature of a linear layer, or a channel of a convolution.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Place
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.vocabulary import DROPOUTS, NORMS

if TYPE_CHECKING:
    from torch import Tensor

NUM_STEPS = 5
"""How many sampled steps are looked back on, and have to be there: TheDeepChecker's patience."""

ENOUGH_EXAMPLES = 100
"""How many examples they have to hold together."""

THRESHOLD = 0.5
"""Share of a layer's units from which it is reported: SageMaker Debugger's `threshold_layer` and
TheDeepChecker's `neurons_ratio_max_thresh`."""

BEFORE_UNITS = NORMS | DROPOUTS | {"add", "identity"}
"""Kinds that may stand between the layer that makes the units and their activation."""


@dataclass(frozen=True)
class Seen:
    """One step: how many of each unit's values were active, and of how many."""

    step: int
    active: tuple[int, ...]
    num_values: int
    num_examples: int


@dataclass(eq=False)
class Units:
    """The units of one activation, at one place of a model.

    Args:
        operation: the activation, as first seen.
        seen: the last sampled steps.
    """

    operation: Operation
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=NUM_STEPS))

    def add(self, step: int, active: "Tensor", axis: int, num_examples: int) -> None:
        """Add what one call did.

        Args:
            step: of which step.
            active: says for each value whether it was.
            axis: along which the units lie.
            num_examples: how many the call had.
        """
        others = [dim for dim in range(active.ndim) if dim != axis]
        counts = active.sum(others).tolist() if others else active.int().tolist()
        num_values = active.numel() // active.shape[axis]
        if self.seen and self.seen[-1].step == step:
            last = self.seen.pop()
            counts = [new + old for new, old in zip(counts, last.active, strict=True)]
            num_values += last.num_values
            num_examples += last.num_examples
        self.seen.append(Seen(step, tuple(counts), num_values, num_examples))

    @property
    def num_units(self) -> int:
        """How many there are."""
        return len(self.seen[-1].active)

    @property
    def num_examples(self) -> int:
        """In the steps looked back on."""
        return sum(seen.num_examples for seen in self.seen)

    @property
    def num_values(self) -> int:
        """Of each unit, in the steps looked back on."""
        return sum(seen.num_values for seen in self.seen)

    def num_inactive(self, tolerated: float) -> int:
        """Return how many units had at most this share of active values."""
        sums = (sum(counts) for counts in zip(*(s.active for s in self.seen), strict=True))
        return sum(count <= tolerated * self.num_values for count in sums)

    def is_mostly_inactive(self, tolerated: float) -> bool:
        """Whether more of the layer is inactive than can be an accident.

        In a fresh and deep network whose inputs have become alike, a unit is inactive for all of
        them with probability 1/2. Of n units the share that is has a standard deviation of
        1 / (2 sqrt(n)); two of them are added to the threshold.
        """
        if len(self.seen) < NUM_STEPS or self.num_examples < ENOUGH_EXAMPLES:
            return False
        threshold = THRESHOLD + self.num_units**-0.5
        return bool(self.num_inactive(tolerated) > threshold * self.num_units)

    def __str__(self) -> str:
        """As a message names it: ReLU 'act1', or the function and the module it runs in."""
        layer = self.operation.layer
        if layer is None or layer.kind is not None:
            return str(layer or f"{self.operation.kind}()")
        return f"{self.operation.kind}() in {layer}"

    @property
    def place(self) -> Place:
        """The layer's, or that of the line where a function is called."""
        layer = self.operation.layer
        is_layer = layer is not None and layer.kind is not None
        return layer.place if layer is not None and is_layer else self.operation.place


def key_of(operation: Operation) -> tuple[str | None, Place]:
    """Return what tells the activations of a model apart, in all its steps."""
    return operation.layer.path if operation.layer is not None else None, operation.place


def axis_of_units(operation: Operation, num_dims: int) -> int | None:
    """Return along which axis an activation's units lie; None where no layer made them."""
    waiting = list(operation.inputs) if num_dims > 1 else []
    while waiting:
        maker = waiting.pop()
        if maker.kind in {"linear", "recurrent", "layer_norm"}:
            return num_dims - 1
        if maker.kind in {"conv", "conv_transpose", "batch_norm"}:
            return 1
        if maker.kind in BEFORE_UNITS:
            waiting.extend(maker.inputs)
    return None
