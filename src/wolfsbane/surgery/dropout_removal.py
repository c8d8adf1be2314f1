"""Dropout of every kind taken out of a model."""

from collections.abc import Sequence

from torch.nn import Identity, Module
from torch.optim import Optimizer

from wolfsbane.anatomy.places import Member, members
from wolfsbane.anatomy.rates import DropRate, drop_rates
from wolfsbane.anatomy.selection import Selector, select
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.nn.concrete_dropout import ConcreteDropout
from wolfsbane.surgery.planning.changes import Change, Replace
from wolfsbane.surgery.planning.optimizers import check_optimizers
from wolfsbane.surgery.planning.plan import Kept, Plan, unreached
from wolfsbane.surgery.planning.succession import carry_hooks
from wolfsbane.surgery.rates import set_rate

KNOWN = ("torch.nn.", "wolfsbane.nn.", "timm.", "torchvision.", "transformers.")
"""Whose dropout layers do nothing but drop. Another class may do more, and only loses its rate."""


@explain_unknown_arguments
def remove_dropout(
    model: Module, *, which: Selector | None = None, optimizers: Sequence[Optimizer] = ()
) -> Plan:
    """Plan every dropout of a model to be taken out, whatever its kind and wherever its rate lives.

    A layer that does nothing but drop becomes `torch.nn.Identity`; `ConcreteDropout` gives its
    place to the layer inside it. Where the rate belongs to something else (`MultiheadAttention`, a
    recurrent net, a block such as `BatchNormAct`, an attribute that is handed to `F.dropout`), or
    other source reads it (`self.drop.p`), it becomes 0. A number written in the source is left, and
    named.

    Args:
        model: any model.
        which: the modules whose dropout goes, and all that is in them: a class, a pattern of paths,
            a function of (path, module), or a list. Default: all.
        optimizers: those that train the model. A dropout has no parameters: they go on as they are.

    Returns:
        A plan.

    Raises:
        ArgumentError: a pattern matches no module.
        ArgumentTypeError: `which` is none of what it may be.

    Examples:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.LSTM(4, 4, 2, dropout=0.2), torch.nn.Dropout(0.1))
        >>> print(remove_dropout(model))
        remove_dropout (Sequential): 2 changes
          0  LSTM, between layers, dropout=0.2  ->  dropout=0
          1  Dropout(p=0.1, inplace=False)      ->  Identity()
    """
    by_module = {id(member.module): member for member in members(model)}
    chosen = by_module.keys() if which is None else _inside(model, which)
    changes: list[Change] = []
    kept = []
    for rate in drop_rates(model):
        if id(rate.owner) not in chosen:
            continue
        member = by_module[id(rate.owner)]
        if isinstance(rate.owner, ConcreteDropout):
            changes.append(_unwrapped(member, rate.owner))
        elif _is_plain(rate):
            changes.append(_replacement(member))
        elif rate.obstacle is not None:
            kept.append(Kept(rate.path, f"{rate.kind}: {rate.value:g}", rate.obstacle))
        elif rate.value > 0.0:
            why = f", which {rate.readers[0] or 'the model'} reads" if rate.readers else ""
            changes.append(set_rate(model, rate, 0.0, why))
    replaced = [change.old for change in changes if isinstance(change, Replace)]
    return Plan(
        verb="remove_dropout",
        model=model,
        changes=tuple(changes),
        kept=(*kept, *unreached(model, replaced)),
        optimizers=check_optimizers(model, optimizers),
    )


def _inside(model: Module, which: Selector) -> set[int]:
    return {id(module) for member in select(model, which) for module in member.module.modules()}


def _is_plain(rate: DropRate) -> bool:
    """Whether an owner can go: it only drops, its forward is its class's, nobody reads its rate."""
    owner = rate.owner
    is_known = type(owner).__module__.startswith(KNOWN) and "forward" not in vars(owner)
    if getattr(owner, "return_indices", False):
        return False  # it returns more than its input
    has_content = bool(owner.state_dict()) or any(True for _ in owner.children())
    return rate.is_module and is_known and not (rate.readers or has_content)


def _replacement(member: Member) -> Replace:
    return Replace(
        path=member.path,
        paths=member.paths,
        before=repr(member.module),
        after="Identity()",
        slots=member.slots,
        old=member.module,
        new=carry_hooks(member.module, Identity()),
    )


def _unwrapped(member: Member, wrapper: ConcreteDropout) -> Replace:
    inner = wrapper.module
    keys: dict[str, str | None] = {f"module.{name}": name for name in inner.state_dict()}
    return Replace(
        path=member.path,
        paths=member.paths,
        before=f"ConcreteDropout of {type(inner).__name__}",
        after=type(inner).__name__,
        keys={"p_logit": None, **keys},
        slots=member.slots,
        old=wrapper,
        new=inner,
    )
