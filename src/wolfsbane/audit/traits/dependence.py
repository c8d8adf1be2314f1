"""Which layers work otherwise in evaluation than in training. No torch is imported."""

import contextlib
from collections.abc import Iterable

from wolfsbane.audit.layer import Layer
from wolfsbane.audit.vocabulary import BATCH_NORMS, DROPOUTS

SHOWN = 3
"""Layers that a message names; more are counted."""


def dependent_on_mode(layer: Layer) -> str | None:
    """Return how to call a layer whose work depends on its mode; None if it does not.

    Dropout that drops nothing does not, nor does batch norm without running statistics.
    """
    if layer.kind in BATCH_NORMS:
        return None if updates_nothing(layer) else f"batch norm {layer.path!r}"
    p = drop_rate(layer)
    return f"dropout {layer.path!r} p={p:g}" if p else None


def drop_rate(layer: Layer) -> float:
    """Return the probability with which a layer drops in training; 0 for what drops nothing."""
    module = layer.module
    if layer.kind in DROPOUTS:
        return number_of(module, "p", "drop_prob") or 0.0
    if layer.kind == "multi_head_attention":
        return number_of(module, "dropout") or 0.0
    if layer.kind == "recurrent" and getattr(module, "num_layers", 1) > 1:
        return number_of(module, "dropout") or 0.0
    return 0.0


def number_of(module: object, *names: str) -> float | None:
    """Return the first of some attributes that is a number; None where none is.

    An attribute may be a property, which may raise anything.
    """
    for name in names:
        with contextlib.suppress(Exception):
            value = getattr(module, name)
            if isinstance(value, int | float):
                return float(value)
    return None


def updates_nothing(layer: Layer) -> bool:
    """Whether a batch norm has no running statistics: then both modes are the same."""
    module = layer.module
    return getattr(module, "running_mean", None) is None or not getattr(
        module, "track_running_stats", True
    )


def moves_statistics(layer: Layer) -> bool:
    """Whether a batch norm's running statistics move in training; with momentum 0 they rest."""
    return not updates_nothing(layer) and number_of(layer.module, "momentum") != 0


def is_frozen(layer: Layer) -> bool:
    """Whether a layer has parameters, and none of them trains."""
    parameters = list(layer.module.parameters(recurse=False))
    return bool(parameters) and not any(one.requires_grad for one in parameters)


def listed(names: Iterable[str]) -> str:
    """Name the first of some things, and count the rest: "a, b, c and 4 more"."""
    all_names = list(names)
    rest = len(all_names) - SHOWN
    shown = ", ".join(all_names[:SHOWN])
    return f"{shown} and {rest} more" if rest > 0 else shown
