"""Modules that a model holds and does not know: in lists, dicts, or set past `__setattr__`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch.nn import Module

from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.layers import layers_of
from wolfsbane.audit.traits.dependence import dependent_on_mode

DEEPEST = 4
"""Containers in containers that are looked into."""


@dataclass(frozen=True, eq=False)
class Held:
    """A module that its holder does not know.

    Args:
        holder: the layer that holds it.
        attribute: in which attribute.
        path: where it is from the holder: "blocks[2]".
        module: the module.
    """

    holder: Layer
    attribute: str
    path: str
    module: Module


def unregistered(layers: Sequence[Layer]) -> list[Held]:
    """Return the modules that layers hold and no layer is, which matter to training."""
    known = {id(layer.module) for layer in layers}
    own = vars(Module()).keys()
    found: dict[int, Held] = {}
    for layer in layers:
        for attribute, value in list(vars(layer.module).items()):
            if attribute in own:
                continue
            for path, module in _modules_in(value, attribute, 0):
                held = Held(layer, attribute, path, module)
                is_back = any(id(each) in known for each in module.modules())
                if id(module) not in found and not is_back and matters(module):
                    found[id(module)] = held
    return list(found.values())


def matters(module: Module) -> bool:
    """Whether a module trains, or works otherwise in evaluation: a frozen teacher does neither."""
    if any(parameter.requires_grad for parameter in module.parameters()):
        return True
    return any(dependent_on_mode(layer) and layer.module.training for layer in layers_of(module))


def is_hidden(holder: Module, module: Module) -> bool:
    """Whether a module is in a list of one, which hides it on purpose."""
    return any(
        isinstance(value, list | tuple) and len(value) == 1 and value[0] is module
        for value in vars(holder).values()
    )


def _modules_in(value: object, path: str, depth: int) -> Iterator[tuple[str, Module]]:
    if isinstance(value, Module):
        yield path, value
    elif depth < DEEPEST and isinstance(value, Mapping):
        for key, each in list(value.items()):
            yield from _modules_in(each, f"{path}[{key!r}]", depth + 1)
    elif depth < DEEPEST and isinstance(value, Collection) and not isinstance(value, str | bytes):
        if type(value).__module__.startswith(("torch", "numpy")) or len(value) == 1:
            return
        for index, each in enumerate(list(value)):
            yield from _modules_in(each, f"{path}[{index}]", depth + 1)
