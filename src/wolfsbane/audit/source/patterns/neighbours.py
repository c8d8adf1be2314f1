"""Layers of a program of which one takes nothing but the other's result."""

import ast
from collections.abc import Collection, Iterator

from wolfsbane.audit.source.file import Source, Step

UNCHANGED = frozenset({"identity", "contiguous", "clone", "to", "float", "half", "double"})
"""Kinds after which a tensor is the same, in the same shape."""


def is_certain(source: Source, step: Step) -> bool:
    """Whether a step can only be what its kind says: a layer that is made in one way."""
    if step.call is None or step.creation is None:
        return True
    return len(source.makers(step.call.node.func)) == 1


def in_sequentials(
    source: Source, kind: str, through: Collection[str]
) -> Iterator[tuple[Step, Step]]:
    """Yield layers of a kind that follow one another in one Sequential."""
    layers = {id(step.node): step for step in source.steps_of({kind}) if step.call is None}
    for creation in source.creations if layers else ():
        chain = {id(layer.call.node) for layer in source.chain(creation)}
        for step in (layers[node] for node in chain if node in layers):
            before = _before(source, step, through)
            if before is not None and before.kind == kind and id(before.node) in chain:
                yield before, step


def in_functions(
    source: Source, kind: str, through: Collection[str]
) -> Iterator[tuple[Step, Step]]:
    """Yield layers of a kind that are called in a row, where only the second reads the first."""
    for step in source.steps_of({kind}):
        if step.call is None or step.creation is None:
            continue
        before = _before(source, step, through)
        if before is None or before.kind != kind or before.call is None:
            continue
        is_one_function = before.creation is not None and before.function is step.function
        if is_one_function and is_certain(source, step) and _is_read_once(source, before):
            yield before, step


def _before(source: Source, step: Step, through: Collection[str]) -> Step | None:
    """Return the one step that made what a step takes, looking `through` some."""
    seen = {id(step.node)}
    inputs = source.inputs_of(step)
    while len(inputs) == 1 and is_certain(source, inputs[0]) and id(inputs[0].node) not in seen:
        if inputs[0].kind not in through:
            return inputs[0]
        seen.add(id(inputs[0].node))
        inputs = source.inputs_of(inputs[0])
    return None


def _is_read_once(source: Source, step: Step) -> bool:
    """Whether the result is used in one place, directly or under its name."""
    if isinstance(source.parent_of(step.node), ast.Call):
        return True
    function = source.function_of(step.node)
    reads = [
        node
        for node in ast.walk(function.node)
        if isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and any(binding.value is step.node for binding in source.definitions(node))
    ]
    return len(reads) == 1
