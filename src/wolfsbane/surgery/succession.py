"""A module of another class in the place of one: same tensors, same hooks, same attributes."""

from typing import Any, TypeVar

from torch.nn import Module

M = TypeVar("M", bound=Module)


def succeed(module: Module, cls: type[M], **attributes: Any) -> M:
    """Return a module of class `cls` that shares everything with `module`.

    The dictionaries of parameters, buffers, children and hooks are the very same ones: an optimizer
    goes on working, a hook's handle still removes it, and what is later moved, loaded or trained in
    one is so in the other, so that an undo brings back the module with what it has become.

    `cls` must find in the attributes all that its forward needs; `attributes` are set on top.
    """
    successor = cls.__new__(cls)
    successor.__dict__.update(module.__dict__)
    for name, value in attributes.items():
        setattr(successor, name, value)
    return successor


def own_behaviour(module: Module, expected: type[Module]) -> str | None:
    """Return why a module may do something else than its class `expected` says, or None."""
    cls = type(module)
    if "forward" in module.__dict__:
        return "its forward was replaced on this object"
    if cls is not expected:
        return f"{cls.__module__}.{cls.__qualname__} is a class of its own"
    return None


def carry_hooks(old: Module, new: Module) -> Module:
    """Give a new module another's hooks, so that handles made for the old one remove them."""
    state = {"_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"}
    for name in set(Module().__dict__) - state:
        if name.startswith("_") and name in old.__dict__:
            new.__dict__[name] = old.__dict__[name]
    return new
