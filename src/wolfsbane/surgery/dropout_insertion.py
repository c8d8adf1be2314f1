"""Dropout put behind modules of a model."""

from collections.abc import Callable, Sequence

import torch
from torch.nn import Module, MultiheadAttention, Sequential
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import Optimizer

from wolfsbane import nn
from wolfsbane.anatomy.places import Member
from wolfsbane.anatomy.selection import Selector, select
from wolfsbane.arguments import check_probability, explain_unknown_arguments
from wolfsbane.errors import ArgumentTypeError
from wolfsbane.surgery.planning.attachment import Attach, attached, free_name, runs_all_children
from wolfsbane.surgery.planning.changes import Change, Replace
from wolfsbane.surgery.planning.optimizers import check_optimizers
from wolfsbane.surgery.planning.plan import Kept, Plan, unreached
from wolfsbane.surgery.planning.succession import is_sequential

NAME = "inserted_dropout"
"""What the layer is called where it becomes a child of the module it stands behind."""


@explain_unknown_arguments
def insert_dropout(
    model: Module,
    p: float = 0.5,
    *,
    after: Selector,
    layer: Callable[[float], Module] = nn.Dropout,
    optimizers: Sequence[Optimizer] = (),
) -> Plan:
    """Plan a dropout behind modules of a model.

    An activation of torch.nn without parameters becomes `Sequential(activation, dropout)`; a
    Sequential gets the dropout as its last layer. Any other module gets it as a child named
    `inserted_dropout` that runs on its output (a tuple's first element) by a forward hook. So no
    name in the state_dict changes.

    Args:
        model: any model.
        p: probability of an element to be zeroed, in [0, 1]. Default: 0.5.
        after: behind which modules: a class, a pattern of paths such as "blocks.*.mlp" (`*` stands
            for any text, dots too), a function of (path, module), or a list of these.
        layer: what makes the layer: a class or function that is called with p. Default:
            `wolfsbane.nn.Dropout`; `wolfsbane.nn.Dropout2d` suits convolutions.
        optimizers: those that train the model. A dropout has no parameters: they go on as they are.

    Returns:
        A plan. A module that has a dropout behind it already is left, and named.

    Raises:
        ArgumentError: p is not a probability, or a pattern matches no module.
        ArgumentTypeError: `after` or `layer` is none of what it may be.

    Examples:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
        >>> print(insert_dropout(model, p=0.1, after=torch.nn.ReLU))
        insert_dropout (Sequential): 1 change
          1  ReLU  ->  ReLU, then Dropout(p=0.1)

    References:
        Srivastava et al. 2014, JMLR 15:1929. On a dropout before a batch norm: Li et al. 2018,
        arXiv:1801.05134.
    """
    rate = check_probability(p)
    chosen = []
    kept = []
    for member in select(model, after):
        why = _why_not(member)
        if why is None:
            chosen.append(member)
        else:
            kept.append(Kept(member.path, type(member.module).__name__, why))
    changes = [_insertion(member, _make(layer, rate), rate) for member in chosen]
    replaced = [change.old for change in changes if isinstance(change, Replace)]
    return Plan(
        verb="insert_dropout",
        model=model,
        changes=tuple(changes),
        kept=(*kept, *unreached(model, replaced)),
        notes=_notes(chosen),
        optimizers=check_optimizers(model, optimizers),
    )


def _make(layer: Callable[[float], Module], p: float) -> Module:
    made = layer(p) if callable(layer) and not isinstance(layer, Module) else None
    if not isinstance(made, Module):
        raise ArgumentTypeError(
            "layer has to be a class of modules, or a function of p that returns one, but "
            f"got {layer!r}. Pass layer=wolfsbane.nn.Dropout"
        )
    return made


def _why_not(member: Member) -> str | None:
    module = member.module
    if isinstance(module, _DropoutNd):
        return "it is a dropout itself"
    if any(isinstance(child, _DropoutNd) for child in attached(module)):
        return "a dropout was inserted behind it before: surgery.set_rates changes its rate"
    following = [next_in_sequential(parent, module) for parent in member.parents]
    ends_with = list(module.children())[-1:] if is_sequential(module) else []
    if any(isinstance(other, _DropoutNd) for other in (*following, *ends_with)):
        return "a dropout follows it already: surgery.set_rates changes its rate"
    if isinstance(module, torch.jit.ScriptModule):
        return "compiled by torch.jit, which cannot be changed: insert before that"
    return never_called(member) or (None if is_sequential(module) else runs_all_children(module))


def never_called(member: Member) -> str | None:
    """Return why nothing runs behind a module: it is never called. None where it may be."""
    module = member.module
    if type(module).forward is Module.forward and "forward" not in vars(module):
        return "a container that is never called"
    if any(isinstance(parent, MultiheadAttention) for parent in member.parents):
        return "MultiheadAttention uses its weight and never calls it"
    return None


def next_in_sequential(parent: Module, module: Module) -> Module | None:
    """Return what runs after a module in a Sequential, or None."""
    children = list(parent._modules.values()) if is_sequential(parent) else []  # noqa: SLF001
    position = next((i for i, child in enumerate(children) if child is module), len(children))
    return children[position + 1] if position + 1 < len(children) else None


def _insertion(member: Member, dropout: Module, p: float) -> Change:
    module = member.module
    what = f"{type(dropout).__name__}(p={p:g})"
    name = type(module).__name__
    if is_sequential(module):
        number = str(len(module._modules))  # noqa: SLF001
        return Attach(
            path=member.path,
            paths=member.paths,
            before=f"{name} of {number}",
            after=f"{what} as its last layer",
            owner=module,
            name=number if number not in module._modules else free_name(module, NAME),  # noqa: SLF001
            child=dropout,
            by_hook=False,
        )
    if not _takes_one_tensor(module):
        return Attach(
            path=member.path,
            paths=member.paths,
            before=name,
            after=f"{name}, then {what}",
            owner=module,
            name=free_name(module, NAME),
            child=dropout,
        )
    return Replace(
        path=member.path,
        paths=member.paths,
        before=name,
        after=f"{name}, then {what}",
        slots=member.slots,
        old=module,
        new=Sequential(module, dropout),
    )


def _takes_one_tensor(module: Module) -> bool:
    """Whether a module is an activation of torch's, which a Sequential can call as any caller."""
    is_activation = type(module).__module__ == "torch.nn.modules.activation"
    has_content = module._parameters or module._buffers or module._modules  # noqa: SLF001
    return is_activation and not has_content and "forward" not in vars(module)


def _notes(chosen: Sequence[Member]) -> tuple[str, ...]:
    before_norm = [
        member.path
        for member in chosen
        if any(
            isinstance(next_in_sequential(parent, member.module), _BatchNorm)
            for parent in member.parents
        )
    ]
    if not before_norm:
        return ()
    note = (
        f"a batch norm follows {', '.join(before_norm)}: dropout before it shifts the variance "
        "between training and evaluation (arXiv:1801.05134)"
    )
    return (note,)
