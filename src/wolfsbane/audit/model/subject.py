"""How a message names an operation, and where it says it is."""

from dataclasses import replace

from wolfsbane.audit.finding import Place
from wolfsbane.audit.operation import Operation


def subject_of(operation: Operation) -> str:
    """Name a layer by itself, and a function by the layer in which it is called.

    Examples:
        >>> subject_of(Operation("dropout", "torch.nn.functional.dropout"))
        'the function dropout'
    """
    layer = operation.layer
    if layer is not None and layer.kind == operation.kind:
        return str(layer)
    within = f" in {layer}" if layer is not None and layer.path else ""
    return f"the function {operation.kind}{within}"


def place_of(operation: Operation) -> Place:
    """Return the layer that an operation is, or the line on which a function is called."""
    layer = operation.layer
    if layer is not None and layer.kind == operation.kind:
        return layer.place
    return line_of(operation)


def line_of(operation: Operation) -> Place:
    """Return the line that makes it run, with the layer in which it runs."""
    layer = operation.layer
    return operation.place if layer is None else replace(operation.place, module=layer.path)
