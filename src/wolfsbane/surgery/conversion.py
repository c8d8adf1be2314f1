"""torch.nn's dropouts and batch norms to ours."""

from collections.abc import Sequence

import torch
from torch.nn import Module
from torch.optim import Optimizer

from wolfsbane import nn
from wolfsbane.anatomy.places import Member, members
from wolfsbane.surgery.changes import Replace
from wolfsbane.surgery.optimizers import check_optimizers
from wolfsbane.surgery.plan import Kept, Plan, unreached
from wolfsbane.surgery.succession import own_behaviour, succeed

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
    )
}
"""torch's classes, and ours that take their places."""


def convert(model: Module, *, optimizers: Sequence[Optimizer] = ()) -> Plan:
    """Plan torch.nn's dropouts and batch norms to become wolfsbane's.

    Args:
        model: any model; the root itself may be such a layer (the result is `undo.model`).
        optimizers: those that train the model. They go on as they are: parameters stay the same.

    Returns:
        A plan; `plan.apply()` converts.

    Examples:
        >>> model = torch.nn.Sequential(torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.1))
        >>> print(convert(model))
        convert (Sequential): 2 changes
          0  torch.nn.BatchNorm1d  ->  wolfsbane.nn.BatchNorm1d
          1  torch.nn.Dropout      ->  wolfsbane.nn.Dropout
    """
    changes = []
    kept = []
    for member in members(model):
        expected = next((cls for cls in OURS if isinstance(member.module, cls)), None)
        if expected is None or type(member.module) is OURS[expected]:
            continue
        why = own_behaviour(member.module, expected)
        if why is None:
            changes.append(_replacement(member, OURS[expected]))
        else:
            kept.append(Kept(member.path, type(member.module).__name__, why))
    kept += unreached(model, [change.old for change in changes])
    return Plan(
        verb="convert",
        model=model,
        changes=tuple(changes),
        kept=tuple(kept),
        optimizers=check_optimizers(model, optimizers),
    )


def _replacement(member: Member, cls: type[Module]) -> Replace:
    return Replace(
        path=member.path,
        paths=member.paths,
        before=f"torch.nn.{type(member.module).__name__}",
        after=f"wolfsbane.nn.{cls.__name__}",
        slots=member.slots,
        old=member.module,
        new=succeed(member.module, cls),
    )
