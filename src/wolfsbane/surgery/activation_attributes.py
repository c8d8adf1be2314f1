"""Activations that are no modules: functions kept as attributes, and those inside our blocks."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.nn import Module

from wolfsbane import nn
from wolfsbane.anatomy.places import Member
from wolfsbane.errors import ArgumentError
from wolfsbane.functional.activation import as_activation
from wolfsbane.surgery.planning.changes import Change, SetAttribute
from wolfsbane.surgery.planning.plan import Kept

FAST_PATH = {"ReLU()": 1, "GELU(approximate='none')": 2}
"""`TransformerEncoderLayer.activation_relu_or_gelu`: what its fast path in evaluation computes."""

BLOCKS = (nn.BatchNormAct1d, nn.BatchNormAct2d, nn.BatchNormAct3d, nn.BiasActDropout)

Successor = Callable[[type[Module], Module], Module]
"""Makes what takes the place of an activation: given its class and a module of that class."""


def function_name(cls: type[Module]) -> str:
    """Return the name in torch.nn.functional of an activation class."""
    return {"LeakyReLU": "leaky_relu"}.get(cls.__name__, cls.__name__.lower())


def function_swaps(
    member: Member, classes: Iterable[type[Module]], make: Successor
) -> list[Change]:
    """Return changes for the functions that a module keeps as attributes, such as F.relu."""
    changes: list[Change] = []
    for name, value in vars(member.module).items():
        old = next((cls for cls in classes if _is_function_of(value, cls)), None)
        if old is None:
            continue
        new = make(old, old())
        changes.append(_attribute(member, name, value, _as_function(new), first_line(new)))
        changes += _fast_path(member, new)
    return changes


def fast_path_swaps(
    member: Member, classes: Iterable[type[Module]], make: Successor
) -> list[Change]:
    """Return the change of an encoder layer whose activation is a module that is exchanged."""
    activation = getattr(member.module, "activation", None)
    if not isinstance(activation, Module) or type(activation) not in set(classes):
        return []
    return _fast_path(member, make(type(activation), activation))


def _fast_path(member: Member, new: Module) -> list[Change]:
    """Tell a TransformerEncoderLayer's fast path, which would go on with the old activation."""
    if not isinstance(member.module, torch.nn.TransformerEncoderLayer):
        return []
    flag = FAST_PATH.get(first_line(new), 0)
    before = member.module.activation_relu_or_gelu
    return [_attribute(member, "activation_relu_or_gelu", before, flag, str(flag))]


def block_swap(
    member: Member, classes: Iterable[type[Module]], make: Successor
) -> Change | Kept | None:
    """Return the change of a block's activation, why it is left, or None."""
    block: Any = member.module
    if type(block) not in BLOCKS:
        return None
    old = next((cls for cls in classes if block.activation.name in _fused_names(cls)), None)
    if old is None:
        return None
    new = make(old, old())
    try:
        activation = as_activation(new)
    except ArgumentError:
        why = f"no fused kernel computes {first_line(new)}: take it apart with surgery.revert first"
        return Kept(member.path, type(block).__name__, why)
    return _attribute(member, "activation", block.activation, activation, str(activation))


def first_line(module: Module) -> str:
    """Return a module as one line."""
    return repr(module).splitlines()[0]


def _attribute(member: Member, name: str, old: Any, new: Any, text: str) -> SetAttribute:
    keys = new.state_dict() if isinstance(new, Module) else ()
    return SetAttribute(
        path=member.path,
        paths=member.paths,
        before=f"{name}={getattr(old, '__name__', old)}",
        after=f"{name}={text}",
        added=tuple(f"{name}.{key}" for key in keys),
        owner=member.module,
        name=name,
        old=old,
        new=new,
        set=_set_or_register,
    )


def _set_or_register(owner: Module, name: str, value: Any) -> None:
    owner._modules.pop(name, None)  # noqa: SLF001
    owner.__dict__.pop(name, None)
    setattr(owner, name, value)
    if isinstance(value, Module):
        value.train(owner.training)


def _is_function_of(value: Any, cls: type[Module]) -> bool:
    if isinstance(value, Module) or not callable(value):
        return False
    sources = (torch.nn.functional, torch, torch.Tensor)
    functions = [getattr(source, function_name(cls), None) for source in sources]
    return any(value is function for function in functions if function is not None)


def _as_function(module: Module) -> Any:
    """Return torch's own function for a module that is that with its defaults, else the module."""
    function = getattr(torch.nn.functional, function_name(type(module)), None)
    if function is None or first_line(module) != first_line(type(module)()):
        return module
    return module if any(True for _ in module.parameters()) else function


def _fused_names(cls: type[Module]) -> set[str]:
    if cls is torch.nn.GELU:
        return {"gelu", "gelu_tanh"}
    try:
        return {as_activation(cls()).name}
    except (ArgumentError, TypeError):  # not fused, or not made without arguments
        return set()
