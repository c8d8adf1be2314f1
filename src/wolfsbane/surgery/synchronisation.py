"""Batch norms over the batches of all processes, and back."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import Module
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.lazy import LazyModuleMixin
from torch.optim import Optimizer

from wolfsbane import nn
from wolfsbane.anatomy.places import Member
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.errors import ArgumentError
from wolfsbane.surgery.planning.decision import NO_CONCERN, Decision, plan_by, replacement
from wolfsbane.surgery.planning.plan import Plan
from wolfsbane.surgery.planning.succession import bound_by_parent, own_behaviour, succeed
from wolfsbane.surgery.unfusing import NORMS as BLOCKS

PLAIN = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
TORCHS_PLAIN = {1: torch.nn.BatchNorm1d, 2: torch.nn.BatchNorm2d, 3: torch.nn.BatchNorm3d}
"""Batch norms by the number of dimensions behind features."""

SOURCES = (*PLAIN.values(), *TORCHS_PLAIN.values(), torch.nn.SyncBatchNorm)
SYNCHRONISED: dict[type[Module], dict[int, type[Module]]] = {
    nn.SyncBatchNorm: {**PLAIN},
    torch.nn.SyncBatchNorm: {**TORCHS_PLAIN},
}


@explain_unknown_arguments
def convert_sync_batchnorm(
    model: Module, process_group: Any = None, *, optimizers: Sequence[Optimizer] = ()
) -> Plan:
    """Plan the batch norms of a model to become `wolfsbane.nn.SyncBatchNorm`.

    They then use, in training, the statistics of all processes' batches together, on CPUs too. Each
    remembers the class it was converted from, for `revert_sync_batchnorm`. Call it before the model
    is wrapped for distributed training, on every process.

    torch's function of this name leaves the second of two names in one parent unconverted, drops
    hooks, and throws away what a subclass adds; here aliases and hooks stay, and a subclass, a
    `BatchNormAct` or a lazy layer is left and named.

    Args:
        model: any model; the root itself may be a batch norm (the result is `undo.model`).
        process_group: the ranks that share statistics; all where None. A layer of torch's own
            `SyncBatchNorm` keeps its group where None.
        optimizers: those that train the model. They go on as they are: parameters stay the same.

    Returns:
        A plan; `plan.apply()` converts.

    Raises:
        ArgumentError, ArgumentTypeError: an optimizer is none, or of another model.

    Examples:
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8))
        >>> print(convert_sync_batchnorm(model))
        convert_sync_batchnorm (Sequential): 1 change
          1  torch.nn.BatchNorm2d  ->  wolfsbane.nn.SyncBatchNorm

    References:
        Peng et al. 2018, arXiv:1711.07240, section 3.2.
    """
    return plan_by(
        lambda member: _synchronise(member, process_group),
        verb="convert_sync_batchnorm",
        model=model,
        optimizers=optimizers,
    )


@explain_unknown_arguments
def revert_sync_batchnorm(
    model: Module, *, dims: int | None = None, optimizers: Sequence[Optimizer] = ()
) -> Plan:
    """Plan the `SyncBatchNorm` layers of a model, ours and torch's, to become plain batch norms.

    Each becomes the class it was converted from. One that was never another takes inputs of any
    number of dimensions, so it does not tell what to become: `dims` does.

    Args:
        model: any model; the root itself may be such a layer (the result is `undo.model`).
        dims: 1, 2 or 3, for `BatchNorm1d`, `2d` or `3d` where the layer does not remember what it
            was. Default: such a layer is left.
        optimizers: those that train the model. They go on as they are: parameters stay the same.

    Returns:
        A plan; `plan.apply()` reverts.

    Raises:
        ArgumentError: dims is not 1, 2 or 3.
        ArgumentError, ArgumentTypeError: an optimizer is none, or of another model.

    Examples:
        >>> print(revert_sync_batchnorm(torch.nn.Sequential(nn.SyncBatchNorm(8)), dims=2))
        revert_sync_batchnorm (Sequential): 1 change
          0  wolfsbane.nn.SyncBatchNorm  ->  wolfsbane.nn.BatchNorm2d
    """
    if dims is not None and dims not in PLAIN:
        raise ArgumentError(
            f"dims has to be 1, 2 or 3, for BatchNorm1d, 2d or 3d, but got {dims!r}. "
            "It counts the dimensions of a picture (2) or a volume (3), without N and C"
        )
    return plan_by(
        lambda member: _desynchronise(member, dims),
        verb="revert_sync_batchnorm",
        model=model,
        optimizers=optimizers,
    )


def _synchronise(member: Member, process_group: Any) -> Decision:
    module = member.module
    if type(module) is nn.SyncBatchNorm:
        other = process_group is not None and process_group is not module.process_group
        return Decision(why="synchronised already, over another group" if other else "")
    if not isinstance(module, _BatchNorm):
        return NO_CONCERN
    why = _obstacle(member)
    if why is not None:
        return Decision(why=why)
    group = process_group or getattr(module, "process_group", None)
    origin = getattr(module, "converted_from", type(module))
    if origin is torch.nn.SyncBatchNorm:
        origin = None
    new = succeed(module, nn.SyncBatchNorm, process_group=group, converted_from=origin)
    return Decision((replacement(member, new),))


def _obstacle(member: Member) -> str | None:
    module = member.module
    if isinstance(module, LazyModuleMixin):
        return "without its first batch: run one through the model, then convert it"
    if type(module) in BLOCKS:
        return "it also applies an activation: surgery.revert makes layers of it, then convert them"
    expected = next((cls for cls in SOURCES if type(module) is cls), _BatchNorm)
    return bound_by_parent(member) or own_behaviour(module, expected)


def _desynchronise(member: Member, dims: int | None) -> Decision:
    module = member.module
    known = next((cls for cls in SYNCHRONISED if isinstance(module, cls)), None)
    if known is None:
        return NO_CONCERN
    why = bound_by_parent(member) or own_behaviour(module, known)
    if why is not None:
        return Decision(why=why)
    target = getattr(module, "converted_from", None) or SYNCHRONISED[known].get(dims or 0)
    if target is None:
        return Decision(why="it was never a batch norm of known dimensions: say which, dims=2")
    new = succeed(module, target, without=("process_group", "converted_from"))
    return Decision((replacement(member, new),))
