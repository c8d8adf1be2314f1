"""What a model ends with."""

from collections.abc import Collection
from dataclasses import dataclass

from wolfsbane.audit.finding import Place
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.forwards import depends_on_mode
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.traits.rectifiers import is_rectifier
from wolfsbane.audit.vocabulary import DROPOUTS, PROBABILITIES, RECTIFIERS, SHAPE_ONLY

PASSED_THROUGH = SHAPE_ONLY | DROPOUTS

COMPOSED = PROBABILITIES
"""Layers whose result is what they are called, whichever operation of theirs comes last."""


@dataclass(frozen=True)
class Ending:
    """The last operation that makes a model's output what it is.

    Args:
        kind: the vocabulary's word for it.
        layer: the layer it is, or in which it runs.
        place: the layer's, or that of the line.
        num_classes: size of the output's class dimension, where known.
        is_rectifier: whether it cuts off what is negative.
    """

    kind: str
    layer: Layer | None
    place: Place
    num_classes: int | None = None
    is_rectifier: bool = False

    def __str__(self) -> str:
        """As a message names it."""
        if self.layer is not None and self.layer.kind is not None:
            return str(self.layer)
        where = f" in {self.layer}" if self.layer is not None and self.layer.path else ""
        return f"{self.kind}(){where}"


def ending_of(view: ModelView, through: Collection[str] = PASSED_THROUGH) -> Ending | None:
    """Return what the model ends with; None where that is not known for its training mode.

    A model may do without its last operation in training, as detectors do, so one whose forward
    asks for the mode is left alone unless it was recorded in training.
    """
    if view.tape is not None:
        operation = _last_operation(view, through)
        if operation is None or (not view.tape.training and _asks_for_its_mode(view, operation)):
            return None
        return _ending(operation)
    layer = _last_layer(view, view.layers[0], through)
    if layer is None or layer.kind is None:
        return None
    return Ending(layer.kind, layer, layer.place, is_rectifier=layer.kind in RECTIFIERS)


def _last_operation(view: ModelView, through: Collection[str]) -> Operation | None:
    assert view.tape is not None
    if len(view.tape.outputs) != 1:
        return None
    operation = view.tape.outputs[0]
    while operation.kind in through and operation.inputs:
        operation = operation.inputs[0]
    return operation


def _ending(operation: Operation) -> Ending:
    layer = operation.layer
    is_layer = layer is not None and layer.kind is not None
    place = layer.place if is_layer and layer is not None else operation.place
    shape = operation.shape
    is_all_of_it = is_layer and layer is not None and layer.kind in COMPOSED
    kind = str(layer.kind) if is_all_of_it and layer is not None else operation.kind
    num_classes = shape[1] if shape is not None and len(shape) > 1 else None
    return Ending(kind, layer, place, num_classes, is_rectifier(operation))


def _last_layer(view: ModelView, layer: Layer, through: Collection[str]) -> Layer | None:
    """Follow the ends of nested Sequentials."""
    if layer.kind != "sequential":
        return layer if layer.kind is not None else None
    children = [child for child in view.children_of(layer) if child.kind not in through]
    return _last_layer(view, children[-1], through) if children else None


def _asks_for_its_mode(view: ModelView, operation: Operation) -> bool:
    """Whether the forward of the layer that ran it, or of one around that, depends on the mode."""
    path = operation.layer.path if operation.layer is not None else ""
    around = [
        layer
        for layer in view.layers
        if layer.path in {"", path} or path.startswith(f"{layer.path}.")
    ]
    return any(depends_on_mode(type(layer.module)) for layer in around if layer.kind is None)
