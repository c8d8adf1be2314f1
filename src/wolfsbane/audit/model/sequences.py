"""Layers that run one behind the other because an nn.Sequential holds them, without a forward."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.view import ModelView

if TYPE_CHECKING:
    from torch.nn import Module


def sequences(model: ModelView) -> Iterator[Sequence[Layer]]:
    """Yield what each Sequential runs, in order; one within another is a part of it."""
    layers = {id(layer.module): layer for layer in model.layers}
    for layer in model.layers:
        holder = next((other for other in model.layers if other.path == layer.parent), None)
        is_part = holder is not None and holder is not layer and _is_sequential(holder)
        if _is_sequential(layer) and not is_part:
            yield tuple(_flat(layer, layers))


def _flat(layer: Layer, layers: dict[int, Layer]) -> Iterator[Layer]:
    # children() would leave out a layer's second place.
    for child in cast("Iterable[Module]", layer.module):
        held = layers[id(child)]
        if _is_sequential(held):
            yield from _flat(held, layers)
        else:
            yield held


def _is_sequential(layer: Layer) -> bool:
    """Return whether it runs its children one by one; a subclass may have a forward of its own."""
    forward = getattr(type(layer.module), "forward", None)
    return getattr(forward, "__qualname__", "") == "Sequential.forward"
