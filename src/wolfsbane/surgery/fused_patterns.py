"""Other libraries' batch norm with an activation, to `BatchNormAct`."""

from collections.abc import Mapping

import torch
from torch.nn import Module

from wolfsbane import nn
from wolfsbane.anatomy.places import Member
from wolfsbane.errors import ArgumentError
from wolfsbane.functional.activation import as_activation
from wolfsbane.kernels.block import Activation
from wolfsbane.surgery.planning.decision import Decision, replacement
from wolfsbane.surgery.planning.succession import has_hooks, hooks_of, own_behaviour, succeed

BLOCKS: dict[type[Module], type[Module]] = {
    torch.nn.BatchNorm1d: nn.BatchNormAct1d,
    torch.nn.BatchNorm2d: nn.BatchNormAct2d,
    torch.nn.BatchNorm3d: nn.BatchNormAct3d,
}
"""torch's batch norms, and ours that also apply an activation."""


def is_fused_pair(module: Module) -> bool:
    """Whether it is torch.ao's Sequential of a batch norm and a ReLU."""
    cls = type(module)
    return cls.__module__ == "torch.ao.nn.intrinsic.modules.fused" and cls.__name__ in {
        "BNReLU2d",
        "BNReLU3d",
    }


def fused_pair(member: Member, places: Mapping[int, Member]) -> Decision:
    """Make one layer of torch.ao's pair; its entries in the state_dict lose their "0."."""
    pair = member.module
    if list(pair._modules) != ["0", "1"]:  # noqa: SLF001
        return Decision(why="it holds more than a batch norm and a ReLU")
    norm, act = pair._modules.values()  # noqa: SLF001
    assert norm is not None
    assert act is not None
    why = _why_not_a_pair(pair, norm, act, places[id(norm)])
    if why is not None:
        return Decision(why=why)
    block = succeed(
        norm,
        BLOCKS[type(norm)],
        activation=as_activation(act),
        p=0.0,
        generator=None,
        **hooks_of(pair),
    )
    keys = {f"0.{name}": name for name in norm.state_dict()}
    return Decision((replacement(member, block, keys=keys, mode_of=norm),))


def _why_not_a_pair(pair: Module, norm: Module, act: Module, place: Member) -> str | None:
    known = next((cls for cls in BLOCKS if type(norm) is cls), torch.nn.BatchNorm2d)
    for part, expected in ((pair, type(pair)), (norm, known), (act, torch.nn.ReLU)):
        why = own_behaviour(part, expected)
        if why is not None:
            return why if part is pair else f"its {type(part).__name__}: {why}"
    if has_hooks(norm) or has_hooks(act):
        return "a hook on one of its layers would no longer be called"
    if len(place.slots) > 1:
        return "its batch norm stands in another place, too"
    return None


def is_timm_batch_norm_act(module: Module) -> bool:
    """Whether it is timm's batch norm with an activation, a subclass of torch's."""
    cls = type(module)
    return (
        cls.__name__ == "BatchNormAct2d"
        and cls.__module__ in {"timm.layers.norm_act", "timm.models.layers.norm_act"}
        and isinstance(module, torch.nn.BatchNorm2d)
    )


def timm_batch_norm_act(member: Member) -> Decision:
    """Make ours of timm's layer; the entries in the state_dict keep their names."""
    module = member.module
    drop, act = (module._modules.get(name) for name in ("drop", "act"))  # noqa: SLF001
    if drop is None or act is None or set(module._modules) != {"drop", "act"}:  # noqa: SLF001
        return Decision(why="its parts are not timm's drop and act")
    why = own_behaviour(module, type(module))
    if why is None and type(drop) is not torch.nn.Identity:
        why = f"between batch norm and activation it drops by {type(drop).__name__}"
    if why is None and (has_hooks(drop) or has_hooks(act)):
        why = "a hook on one of its parts would no longer be called"
    activation = known_activation(act)
    if why is None and activation is None:
        why = f"there is no fused {type(act).__name__}"
    if why is not None:
        return Decision(why=why)
    block = succeed(
        module, nn.BatchNormAct2d, _modules={}, activation=activation, p=0.0, generator=None
    )
    return Decision((replacement(member, block),))


def known_activation(module: Module) -> Activation | None:
    """Return the activation that a module applies, if a fused kernel knows it and it alone."""
    if own_behaviour(module, type(module)) is not None:
        return None
    try:
        return as_activation(module)
    except ArgumentError:
        return None
