"""The parts of a model that do not train, in a model of which other parts do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wolfsbane.audit.layer import Layer

if TYPE_CHECKING:
    from torch.nn import Module

AVERAGE = 0.5
"""Relative distance below which weights are an average of others: of independent ones it is 1.4."""


def frozen_parts(
    frozen: Sequence[Layer], layers: Sequence[Layer], trained: set[int] | None = None
) -> dict[Layer, list[Layer]]:
    """Return the largest parts of a model that do not train, each with the frozen layers in it.

    A layer of which only itself is frozen is a part. What has a twin that trains is an average of
    it, and left out.

    Args:
        frozen: layers that do not train.
        layers: all of the model.
        trained: ids of the parameters that optimizers train; None: those that require gradients.
    """
    by_path = {path: layer for layer in layers for path in layer.paths}
    parts: dict[Layer, list[Layer]] = {}
    for layer in frozen:
        part = layer
        while part.parent is not None and not _trains(by_path[part.parent].module, trained):
            part = by_path[part.parent]
        parts.setdefault(part, []).append(layer)
    return {
        part: found
        for part, found in parts.items()
        if part in found or not _has_trained_twin(part, layers, trained)
    }


def _trains(module: "Module", trained: set[int] | None) -> bool:
    return any(
        parameter.requires_grad and (trained is None or id(parameter) in trained)
        for parameter in module.parameters()
    )


def _has_trained_twin(part: Layer, layers: Sequence[Layer], trained: set[int] | None) -> bool:
    return any(
        type(layer.module) is type(part.module)
        and _trains(layer.module, trained)
        and _relative_distance(part.module, layer.module) < AVERAGE
        for layer in layers
    )


def _relative_distance(average: "Module", model: "Module") -> float:
    """Return ||a - m|| / ||m|| over all parameters; infinity where shapes differ."""
    ours, theirs = list(average.parameters()), list(model.parameters())
    is_lazy = any(hasattr(parameter, "materialize") for parameter in [*ours, *theirs])
    if is_lazy or [one.shape for one in ours] != [other.shape for other in theirs]:
        return float("inf")
    pairs = list(zip(ours, theirs, strict=True))
    apart = sum(float((a.detach() - m.detach()).double().square().sum()) for a, m in pairs)
    size = sum(float(m.detach().double().square().sum()) for _, m in pairs)
    return float((apart / size) ** 0.5) if size else float("inf")
