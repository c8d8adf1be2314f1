"""The parts of a model that do not train, in a model of which other parts do."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from wolfsbane.audit.layer import Layer

if TYPE_CHECKING:
    from torch.nn import Module

AVERAGE = 0.5
"""Relative distance below which weights are an average of others: of independent ones it is 1.4."""


def by_frozen_part(
    frozen: Sequence[Layer], layers: Sequence[Layer], trained: set[int] | None = None
) -> Iterator[tuple[Layer, list[Layer]]]:
    """Yield the largest parts of a model that do not train, with the batch norms in them.

    Batch norms that are frozen one by one are one part. What has a twin that trains is an average
    of it, and left out.
    """
    by_path = {path: layer for layer in layers for path in layer.paths}
    parts: dict[Layer | None, list[Layer]] = {}
    for norm in frozen:
        part = norm
        while part.parent is not None and not _trains(by_path[part.parent].module, trained):
            part = by_path[part.parent]
        parts.setdefault(None if part is norm else part, []).append(norm)
    for found, norms in parts.items():
        if found is None or not _has_trained_twin(found, layers, trained):
            yield found or norms[0], norms


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
