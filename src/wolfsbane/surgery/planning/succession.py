"""A module of another class in the place of one: same tensors, same hooks, same attributes."""

import weakref
from collections.abc import Iterable
from typing import Any, TypeVar

from torch.nn import Module, Sequential
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.utils.parametrize import is_parametrized

from wolfsbane.anatomy.places import Member

M = TypeVar("M", bound=Module)


def succeed(module: Module, cls: type[M], *, without: Iterable[str] = (), **attributes: Any) -> M:
    """Return a module of class `cls` that shares everything with `module`.

    The dictionaries of parameters, buffers, children and hooks are the very same ones: an optimizer
    goes on working, a hook's handle still removes it, and what is later moved, loaded or trained in
    one is so in the other, so that an undo brings back the module with what it has become.

    `cls` must find in the attributes all that its forward needs; those named in `without` are left
    out, and `attributes` are set on top.
    """
    successor = cls.__new__(cls)
    successor.__dict__.update(module.__dict__)
    for name in without:
        successor.__dict__.pop(name, None)
    for name, value in attributes.items():
        setattr(successor, name, value)
    return successor


def hand_over(old: Module, new: Module) -> None:
    """Give a successor what has become of a module, and what refers to it, at the change of place.

    A hook of load_state_dict holds its module by a weak reference, which would soon be dead. A lazy
    module that has had its first batch is no longer lazy, and its successor must not be either.
    """
    hooks: list[Any] = list(new._load_state_dict_pre_hooks.values())  # noqa: SLF001
    for hook in hooks:
        holds = getattr(hook, "module", None)
        if isinstance(holds, weakref.ref) and holds() is old:
            hook.module = weakref.ref(new)
    waiting: Any = new
    waits = isinstance(new, LazyModuleMixin) and not isinstance(old, LazyModuleMixin)
    if waits and new._parameters is old._parameters:  # noqa: SLF001
        for handle in ("_initialize_hook", "_load_hook"):
            waiting.__dict__.pop(handle, None)
        waiting.num_features = old.num_features
        waiting.__class__ = waiting.cls_to_become


def hooks_of(module: Module) -> dict[str, Any]:
    """Return the dictionaries of a module's hooks, by their names in `vars(module)`."""
    return {
        name: value
        for name, value in vars(module).items()
        if "_hooks" in name or name == "_is_full_backward_hook"
    }


def has_hooks(module: Module) -> bool:
    """Whether anyone has put a hook on the module itself."""
    return any(value for value in hooks_of(module).values() if isinstance(value, dict))


def own_behaviour(module: Module, expected: type[Module]) -> str | None:
    """Return why a module may do something else than its class `expected` says, or None."""
    cls = type(module)
    if "forward" in module.__dict__:
        return "its forward was replaced on this object"
    if is_parametrized(module):
        return "its tensors are parametrized: remove the parametrization first"
    if module.__dict__.get("_compiled_call_impl") is not None:
        return "it was compiled by itself, with compile(): compile it after the change"
    if getattr(module, "qconfig", None) is not None:
        return "it is prepared for quantisation, which knows layers by their classes"
    if cls is not expected:
        return f"{cls.__module__}.{cls.__qualname__} is a class of its own"
    return None


def carry_hooks(old: Module, new: Module) -> Module:
    """Give a new module another's hooks, so that handles made for the old one remove them."""
    new.__dict__.update(hooks_of(old))
    return new


def bound_by_parent(member: Member) -> str | None:
    """Return why a parent works with this very object or class of child, or None."""
    for parent in member.parents:
        cls = type(parent)
        if cls.__module__ == "torch._dynamo.eval_frame":
            return "torch.compile holds this very object: compile it after the change"
        if cls.__module__.startswith("torch.ao."):
            return f"part of torch.ao's {cls.__name__}, which quantisation knows by its classes"
    return None


def is_sequential(module: Module | None) -> bool:
    """Whether a module calls its children one after another, and does nothing else."""
    if not isinstance(module, Sequential) or "forward" in vars(module):
        return False
    return type(module).forward is Sequential.forward
