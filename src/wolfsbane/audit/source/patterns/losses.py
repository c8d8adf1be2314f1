"""What the predictions that a program hands to its losses come from."""

from collections.abc import Collection, Iterator

from wolfsbane.audit.source.file import Source, Step
from wolfsbane.audit.source.patterns.neighbours import is_certain
from wolfsbane.audit.vocabulary import DROPOUTS, SHAPE_ONLY

PASSED_THROUGH = SHAPE_ONLY | DROPOUTS
"""Kinds that leave a prediction what it was: logits stay logits, probabilities probabilities."""


def origins_of(source: Source, step: Step, through: Collection[str] = PASSED_THROUGH) -> list[Step]:
    """Return the operations that a step's first tensor may come from, looking `through` some."""
    found: list[Step] = []
    waiting = list(source.inputs_of(step))
    seen: set[tuple[str, int]] = set()
    while waiting:
        origin = waiting.pop()
        key = (origin.kind, id(origin.node))
        if key in seen:
            continue
        seen.add(key)
        if not is_certain(source, origin):
            found.append(Step("unknown", origin.node))
        elif origin.kind in through:
            waiting.extend(source.inputs_of(origin))
        else:
            found.append(origin)
    return found


def predictions_from(
    source: Source,
    losses: Collection[str],
    kinds: Collection[str],
    through: Collection[str] = PASSED_THROUGH,
) -> Iterator[tuple[Step, list[Step]]]:
    """Yield each operation of these kinds that certainly feeds losses of those kinds, with these.

    A loss that may get something else as well, in another branch or from another caller, is left
    out: which of them is meant cannot be told.
    """
    fed: dict[int, tuple[Step, list[Step]]] = {}
    if not (source.may_have(losses) and source.may_have(kinds)):
        return
    for loss in source.steps_of(losses):
        if not is_certain(source, loss):
            continue
        origins = origins_of(source, loss, through)
        if all(origin.kind in kinds for origin in origins):
            for origin in origins:
                fed.setdefault(id(origin.node), (origin, []))[1].append(loss)
    yield from fed.values()
