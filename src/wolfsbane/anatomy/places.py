"""Every module of a model, and every place where it hangs: one module may hang in many."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch.nn import Module

from wolfsbane.errors import ArgumentTypeError


@dataclass(frozen=True)
class Slot:
    """Where a module hangs: a name in its parent. The root hangs nowhere: it has no parent."""

    parent: Module | None
    name: str


@dataclass(frozen=True, eq=False)
class Member:
    """A module of a model, with all slots that hold it and all paths that lead to it."""

    module: Module
    slots: tuple[Slot, ...]
    paths: tuple[str, ...]

    @property
    def path(self) -> str:
        """The first path, as in `model.named_modules()`; empty for the root."""
        return self.paths[0]

    @property
    def parents(self) -> tuple[Module, ...]:
        """The modules that hold this one, each once."""
        found = {id(slot.parent): slot.parent for slot in self.slots if slot.parent is not None}
        return tuple(found.values())


def members(model: Module) -> list[Member]:
    """Return every module once, in the order of `model.named_modules()`, the root first.

    Raises:
        ArgumentTypeError: not a module.
    """
    if not isinstance(model, Module):
        raise ArgumentTypeError(
            f"model has to be a torch.nn.Module, but got {model!r}. Pass the model itself"
        )
    slots: dict[int, dict[tuple[int, str], Slot]] = {}
    paths: dict[int, list[str]] = {}
    modules: dict[int, Module] = {}
    for slot, path, module in _walk(model, Slot(None, ""), "", frozenset()):
        modules.setdefault(id(module), module)
        slots.setdefault(id(module), {}).setdefault((id(slot.parent), slot.name), slot)
        paths.setdefault(id(module), []).append(path)
    return [
        Member(module, tuple(slots[key].values()), tuple(paths[key]))
        for key, module in modules.items()
    ]


def _walk(
    module: Module, slot: Slot, path: str, above: frozenset[int]
) -> Iterator[tuple[Slot, str, Module]]:
    yield slot, path, module
    if id(module) in above:  # a module that contains itself
        return
    for name, child in module._modules.items():  # noqa: SLF001
        if child is not None:
            child_path = f"{path}.{name}" if path else name
            yield from _walk(child, Slot(module, name), child_path, above | {id(module)})


def path_of(path: str) -> str:
    """Return a path as text: the root has an empty one."""
    return path or "(the model itself)"
