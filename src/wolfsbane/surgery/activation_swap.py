"""Activations of a model exchanged for others, wherever they are held."""

import ast
import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.nn import Module, Parameter
from torch.optim import Optimizer

from wolfsbane.anatomy.places import Member, members
from wolfsbane.anatomy.rate_sources import sources
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.surgery.activation_attributes import (
    block_swap,
    fast_path_swaps,
    first_line,
    function_name,
    function_swaps,
)
from wolfsbane.surgery.dropout_insertion import never_called
from wolfsbane.surgery.planning.attachment import carry_attached
from wolfsbane.surgery.planning.changes import Change, Replace, SetAttribute
from wolfsbane.surgery.planning.creation import at_home, without_optimizers
from wolfsbane.surgery.planning.optimizers import check_optimizers
from wolfsbane.surgery.planning.plan import Kept, Plan, unreached
from wolfsbane.surgery.planning.succession import carry_hooks

Swaps = Mapping[type[Module], type[Module] | Module | Callable[[Module], Module]]
"""Old class to new: a class, a module (of which each place gets a copy), or a function that is
given the old module and returns the new one."""


@explain_unknown_arguments
def swap_activation(model: Module, swaps: Swaps, *, optimizers: Sequence[Optimizer] = ()) -> Plan:
    """Plan activations to be exchanged for others.

    Found are modules of exactly the classes named, in every place; functions that are kept as
    attributes (`self.activation = F.relu`, as in `TransformerEncoderLayer`); and the activations of
    `BatchNormAct` and `BiasActDropout`. What a forward calls by name (`F.relu(x)`) is no object
    that could be exchanged: such modules are named as left.

    Args:
        model: any model.
        swaps: old class to new, as in {nn.ReLU: nn.GELU}. The new one is a class, a module (each
            place gets a copy of it), or a function of the old module that returns the new one. A
            class that takes `inplace` gets that of the old module.
        optimizers: those that train the model. New parameters (PReLU's) join the group that holds
            the parameter nearest before them of those it trains; those that are gone leave it.

    Returns:
        A plan.

    Raises:
        ArgumentTypeError: swaps is not a mapping of classes, or a new one is not a module.
        ArgumentError: swaps is empty.

    Examples:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(inplace=True))
        >>> print(swap_activation(model, {torch.nn.ReLU: torch.nn.SiLU}))
        swap_activation (Sequential): 1 change
          1  ReLU(inplace=True)  ->  SiLU(inplace=True)

    References:
        Which to choose: Hendrycks, Gimpel 2016, arXiv:1606.08415 (GELU); Ramachandran et al. 2017,
        arXiv:1710.05941 (SiLU, there called Swish).
    """
    _check(swaps)
    everyone = members(model)
    changes: list[Change] = []
    kept: list[Kept] = []

    for member in everyone:
        found = [_module_swap(member, swaps), *_attribute_swaps(member, swaps)]
        changes += [one for one in found if isinstance(one, Change)]
        kept += [one for one in found if isinstance(one, Kept)]
    replaced = [change.old for change in changes if isinstance(change, Replace)]
    checked = check_optimizers(model, optimizers)
    beside = _beside(everyone, changes, checked)
    return Plan(
        verb="swap_activation",
        model=model,
        changes=tuple(changes),
        kept=(*kept, *_named_in_forward(everyone, swaps), *unreached(model, replaced)),
        notes=() if optimizers else without_optimizers(len(beside)),
        optimizers=checked,
        beside=beside,
    )


def _check(swaps: Swaps) -> None:
    expected = "swaps has to map classes of activations to successors, as in {nn.ReLU: nn.GELU}"
    if not isinstance(swaps, Mapping):
        raise ArgumentTypeError(f"{expected}, but got {swaps!r}")
    if not swaps:
        raise ArgumentError(f"{expected}, but it is empty")
    for old, new in swaps.items():
        if not (isinstance(old, type) and issubclass(old, Module)):
            raise ArgumentTypeError(f"{expected}, but {old!r} is not a class of torch.nn.Module")
        if not (isinstance(new, Module) or callable(new)):
            raise ArgumentTypeError(f"{expected}, but the successor of {old.__name__} is {new!r}")


def _make(new: Any, old: Module) -> Module:
    if isinstance(new, Module):
        return copy.deepcopy(new)
    made = _made_of_class(new, old) if isinstance(new, type) else new(old)
    if not isinstance(made, Module):
        raise ArgumentTypeError(
            f"the successor of {type(old).__name__} has to be a module, but {new!r} made {made!r}"
        )
    return made


def _made_of_class(new: Any, old: Module) -> Any:
    parameters = inspect.signature(new).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p.name for p in parameters if p.default is p.empty and p.kind in kinds]
    if needed:
        raise ArgumentTypeError(
            f"{new.__name__} needs {', '.join(needed)}. Pass a module, {new.__name__}(...), or a "
            "function of the old module that returns one"
        )
    takes_inplace = any(parameter.name == "inplace" for parameter in parameters)
    return new(inplace=old.inplace) if takes_inplace and hasattr(old, "inplace") else new()


def _attribute_swaps(member: Member, swaps: Swaps) -> list[Change | Kept | None]:
    def make(cls: type[Module], old: Module) -> Module:
        return _placed(swaps[cls], old, member)

    return [
        *function_swaps(member, swaps, make),
        block_swap(member, swaps, make),
        *fast_path_swaps(member, swaps, make),
    ]


def _module_swap(member: Member, swaps: Swaps) -> Change | Kept | None:
    old = member.module
    if not isinstance(old, tuple(swaps)):
        return None
    why = _why_not(member, swaps)
    if why is not None:
        return Kept(member.path, type(old).__name__, why)
    new = _placed(swaps[type(old)], old, member)
    carry_attached(old, carry_hooks(old, new))
    return Replace(
        path=member.path,
        paths=member.paths,
        before=first_line(old),
        after=first_line(new),
        keys={name: None for name in old.state_dict() if name not in new.state_dict()},
        added=tuple(name for name in new.state_dict() if name not in old.state_dict()),
        slots=member.slots,
        old=old,
        new=new,
    )


def _why_not(member: Member, swaps: Swaps) -> str | None:
    cls = type(member.module)
    if cls not in swaps:
        return f"{cls.__module__}.{cls.__qualname__} is a class of its own: name it to exchange it"
    if "forward" in vars(member.module):
        return "its forward was replaced on this object"
    return never_called(member)


def _placed(new: Any, old: Module, member: Member) -> Module:
    """Return a new module on the device, and with the dtype, of the model around it."""
    holders = [member.module, *member.parents]
    near = next((p for m in holders for p in m.parameters() if p.is_floating_point()), None)
    with at_home(None if near is None else near.device):
        made = _make(new, old)
        return made if near is None else made.to(device=near.device, dtype=near.dtype)


def _named_in_forward(everyone: Sequence[Member], swaps: Swaps) -> list[Kept]:
    names = {function_name(cls) for cls in swaps}
    first = {type(member.module): member for member in reversed(everyone)}
    found = {
        cls: _call_by_name(cls, names) for cls in dict.fromkeys(type(m.module) for m in everyone)
    }
    return [
        Kept(
            first[cls].path,
            cls.__name__,
            f"its forward calls {called} by name: only its source can be changed",
        )
        for cls, called in found.items()
        if called
    ]


def _call_by_name(cls: type[Module], names: set[str]) -> str:
    """Return how the source of a class's forward calls one of these functions; empty if not.

    So `F.relu(x)`, `x.relu_()` and `relu(x)`, but not `self.relu(x)`, which calls a module.
    """
    for source in sources(cls):
        for node in ast.walk(source.tree):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            *above, last = called.split(".")
            if last.removesuffix("_") in names and above != [source.self_name]:
                return f"...{last}" if "(" in called else called
    return ""


def _beside(
    everyone: Sequence[Member], changes: Sequence[Change], optimizers: Sequence[Optimizer]
) -> dict[Parameter, Parameter]:
    """Return, for each new parameter, the parameter nearest before it, or else the first.

    Where optimizers were handed in, only parameters that they train count.
    """
    new: dict[int, list[Module]] = {}
    for change in changes:
        if isinstance(change, Replace):
            new.setdefault(id(change.old), []).append(change.new)
        elif isinstance(change, SetAttribute) and isinstance(change.new, Module):
            new.setdefault(id(change.owner), []).append(change.new)
    groups = [group["params"] for optimizer in optimizers for group in optimizer.param_groups]
    trained = {id(parameter) for group in groups for parameter in group}
    known = [p for p in everyone[0].module.parameters() if not trained or id(p) in trained]
    nearest = known[:1]
    known_ids = {id(parameter) for parameter in known}
    beside: dict[Parameter, Parameter] = {}
    for member in everyone:
        own = [p for p in member.module.parameters(recurse=False) if id(p) in known_ids]
        nearest = own[-1:] or nearest
        added = [p for made in new.get(id(member.module), ()) for p in made.parameters()]
        beside.update({parameter: nearest[0] for parameter in added if nearest})
    return beside
