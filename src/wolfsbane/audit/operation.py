"""The operations of one forward pass, in order: what ran, on what, in which layer, at which line.

The same record comes from a graph of torch.export, from a function mode, and from a run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wolfsbane.audit.finding import Place

if TYPE_CHECKING:
    from wolfsbane.audit.layer import Layer


@dataclass(frozen=True, eq=False)
class Operation:
    """One call of an operation.

    Args:
        kind: the vocabulary's word for it ("dropout"), or the last part of its name.
        name: as torch spells it: "aten.dropout.default", "torch.nn.functional.dropout".
        inputs: the operations whose results it takes; a model's own inputs are of kind "input",
            and parameters, buffers and constants are left out.
        arguments: by the names of torch's signature, those that are not tensors: p, training,
            dropout_p, dim, inplace, momentum.
        layer: the innermost layer of the model in which it ran; None outside.
        place: the user's line, as far as known.
        shape: of its (first) result, where known.
    """

    kind: str
    name: str
    inputs: tuple["Operation", ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    layer: "Layer | None" = None
    place: Place = field(default_factory=Place)
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class Tape:
    """The operations of one forward pass.

    Args:
        operations: in the order of execution.
        outputs: those whose results the model returns.
        training: the mode in which the model ran.
        source: how it was recorded, in words: "torch.export", "a function mode".
    """

    operations: Sequence[Operation]
    outputs: tuple[Operation, ...]
    training: bool
    source: str

    @cached_property
    def users(self) -> Mapping[int, Sequence[Operation]]:
        """By an operation's id, the operations that take its result."""
        found: dict[int, list[Operation]] = {}
        for operation in self.operations:
            for taken in operation.inputs:
                found.setdefault(id(taken), []).append(operation)
        return found

    def users_of(self, operation: Operation) -> Sequence[Operation]:
        """Return the operations that take its result."""
        return self.users.get(id(operation), ())
