"""The drop rates of a model that exists: its layers' and its operations'."""

from collections.abc import Iterator

from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.traits.dependence import number_of
from wolfsbane.audit.vocabulary import DROPOUTS

ATTRIBUTES = ("p", "drop_prob")
"""Where a layer that only drops keeps its rate: torch's and wolfsbane's, timm's."""

OF_OTHERS = {"recurrent": "dropout", "multi_head_attention": "dropout"}
"""Where layers that also do something else keep it."""

OF_OPERATIONS = ("p", "dropout_p")
"""How an operation's argument is called."""


def rate_of_layer(layer: Layer) -> float | None:
    """Return a layer's drop rate; None where it has none, or not as a number.

    A recurrent layer's is 0 where it has one level only: there is no between.
    """
    module, kind = layer.module, layer.kind or ""
    if kind == "recurrent" and getattr(module, "num_layers", 2) == 1:
        return 0.0
    if kind in DROPOUTS:
        return number_of(module, *ATTRIBUTES)
    return number_of(module, OF_OTHERS[kind]) if kind in OF_OTHERS else None


def rate_of(operation: Operation) -> float | None:
    """Return an operation's drop rate, whatever the mode; None where it has none."""
    for name in OF_OPERATIONS:
        value = operation.arguments.get(name)
        if isinstance(value, int | float):
            return float(value)
    return None


def own_operations(view: ModelView) -> Iterator[Operation]:
    """Yield the operations with a drop rate of their own: functions outside drop layers."""
    for operation in view.tape.operations if view.tape is not None else ():
        inside = operation.layer is not None and operation.layer.kind in {*DROPOUTS, *OF_OTHERS}
        if not inside and rate_of(operation) is not None:
            yield operation
