"""torch.nn's dropouts and batch norms, and their like elsewhere, to ours."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch.nn import Module
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import Optimizer

from wolfsbane import nn
from wolfsbane.anatomy.places import Member, members
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.nn.layer import Layer
from wolfsbane.surgery.droppaths import is_drop_path, other_than_ours, rate_of
from wolfsbane.surgery.fused_patterns import (
    BLOCKS,
    fused_pair,
    is_fused_pair,
    is_timm_batch_norm_act,
    known_activation,
    timm_batch_norm_act,
)
from wolfsbane.surgery.planning.decision import NO_CONCERN, Decision, plan_by, replacement
from wolfsbane.surgery.planning.plan import Plan
from wolfsbane.surgery.planning.succession import (
    bound_by_parent,
    has_hooks,
    is_sequential,
    own_behaviour,
    succeed,
)

OURS: dict[type[Module], type[Module]] = {
    getattr(torch.nn, cls.__name__): cls
    for cls in (
        nn.Dropout,
        nn.Dropout1d,
        nn.Dropout2d,
        nn.Dropout3d,
        nn.AlphaDropout,
        nn.FeatureAlphaDropout,
        nn.BatchNorm1d,
        nn.BatchNorm2d,
        nn.BatchNorm3d,
        nn.LazyBatchNorm1d,
        nn.LazyBatchNorm2d,
        nn.LazyBatchNorm3d,
        nn.SyncBatchNorm,
    )
}
"""torch's classes, and ours that take their places."""

NORMS = (*BLOCKS, *(OURS[cls] for cls in BLOCKS))
"""The batch norms that a fused block may take the place of."""


@explain_unknown_arguments
def convert(model: Module, *, drop_path: bool = True, optimizers: Sequence[Optimizer] = ()) -> Plan:
    """Plan dropouts and batch norms of torch.nn to become wolfsbane's, and those fused elsewhere.

    Converted are torch.nn's dropouts and batch norms, lazy and synchronised ones too; torch.ao's
    `BNReLU2d` and `BNReLU3d` and timm's `BatchNormAct2d`, to `BatchNormAct`; and the drop paths of
    timm, torchvision, transformers and others, where a trial proves that they do what ours does.
    A subclass with a behaviour of its own is left, and named in the plan.

    The model's outputs in evaluation stay the same; in training the statistics do, within rounding,
    and masks come from the mask contract (`wolfsbane.mask`).

    Args:
        model: any model; the root itself may be such a layer (the result is `undo.model`).
        drop_path: convert drop paths, too. Their rate is called p afterwards. Default: True.
        optimizers: those that train the model. They go on as they are: parameters stay the same.

    Returns:
        A plan; `plan.apply()` converts.

    Raises:
        ArgumentError, ArgumentTypeError: an optimizer is none, or of another model.

    Examples:
        >>> model = torch.nn.Sequential(torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.1))
        >>> print(convert(model))
        convert (Sequential): 2 changes
          0  torch.nn.BatchNorm1d  ->  wolfsbane.nn.BatchNorm1d
          1  torch.nn.Dropout      ->  wolfsbane.nn.Dropout

    References:
        Hinton et al. 2012, arXiv:1207.0580. Ioffe, Szegedy 2015, arXiv:1502.03167.
    """
    places = {id(member.module): member for member in members(model)}
    return plan_by(
        lambda member: _decide(member, places, drop_path=drop_path),
        verb="convert",
        model=model,
        optimizers=optimizers,
        notes=_fusable(places),
    )


def _decide(member: Member, places: Mapping[int, Member], *, drop_path: bool) -> Decision:
    module = member.module
    if isinstance(module, torch.jit.ScriptModule):
        return _scripted(member)
    if is_fused_pair(module):
        decide: Callable[[Member], Decision] = partial(fused_pair, places=places)
    elif is_timm_batch_norm_act(module):
        decide = timm_batch_norm_act
    elif isinstance(module, (_DropoutNd, _BatchNorm)) and not isinstance(module, Layer):
        decide = _plain
    elif drop_path and is_drop_path(module) and not isinstance(module, Layer):
        decide = _drop_path
    else:
        return NO_CONCERN
    why = bound_by_parent(member)
    return decide(member) if why is None else Decision(why=why)


def _plain(member: Member) -> Decision:
    module = member.module
    expected = next((cls for cls in OURS if isinstance(module, cls)), _BatchNorm)
    why = own_behaviour(module, expected)
    if why is not None:
        return Decision(why=why)
    return Decision((replacement(member, succeed(module, OURS[expected])),))


def _drop_path(member: Member) -> Decision:
    why = other_than_ours(member.module) or own_behaviour(member.module, type(member.module))
    if why is not None:
        return Decision(why=why)
    ours = succeed(
        member.module,
        nn.DropPath,
        without=("drop_prob", "scale_by_keep", "mode"),
        p=rate_of(member.module),
        inplace=False,
    )
    return Decision((replacement(member, ours),))


def _scripted(member: Member) -> Decision:
    if any(isinstance(parent, torch.jit.ScriptModule) for parent in member.parents):
        return NO_CONCERN
    names = {cls.__name__ for cls in OURS}
    if names.isdisjoint(getattr(part, "original_name", "") for part in member.module.modules()):
        return NO_CONCERN
    return Decision(why="compiled by torch.jit, which cannot be changed: convert before that")


def _fusable(places: Mapping[int, Member]) -> tuple[str, ...]:
    """Say how many batch norms an activation follows at once in a Sequential."""
    count = 0
    for member in places.values():
        module = member.module
        if is_sequential(module) and not is_fused_pair(module):
            layers = [layer for layer in module._modules.values() if layer is not None]  # noqa: SLF001
            count += sum(_is_chain(a, b, places) for a, b in pairwise(layers))
    if not count:
        return ()
    chains, each = ("1 chain", "") if count == 1 else (f"{count} chains", " each")
    return (f"surgery.fuse(model) makes {chains} of batch norm and activation one layer{each}",)


def _is_chain(norm: Module, act: Module, places: Mapping[int, Member]) -> bool:
    if type(norm) not in NORMS or own_behaviour(norm, type(norm)) is not None:
        return False
    if has_hooks(norm) or has_hooks(act) or len(places[id(norm)].slots) > 1:
        return False
    return type(act) is not torch.nn.Identity and known_activation(act) is not None
