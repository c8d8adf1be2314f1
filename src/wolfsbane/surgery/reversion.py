"""Our layers back to torch.nn's."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.nn import Module
from torch.optim import Optimizer

from wolfsbane.anatomy.places import Member, members, path_of
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.nn.layer import Layer
from wolfsbane.surgery.conversion import OURS
from wolfsbane.surgery.planning.attachment import attached
from wolfsbane.surgery.planning.changes import Replace
from wolfsbane.surgery.planning.decision import NO_CONCERN, Decision, plan_by, replacement
from wolfsbane.surgery.planning.plan import Plan
from wolfsbane.surgery.planning.succession import bound_by_parent, own_behaviour, succeed
from wolfsbane.surgery.unfusing import NORMS, unfuse, without_rate

TORCHS = {ours: theirs for theirs, ours in OURS.items()}
"""Our classes, and torch's that take their places."""


@explain_unknown_arguments
def revert(model: Module, *, optimizers: Sequence[Optimizer] = ()) -> Plan:
    """Plan wolfsbane's layers to become torch.nn's again, where torch has them.

    Dropouts and batch norms become torch's with the same tensors. A `BatchNormAct` becomes a
    Sequential of batch norm, activation and dropout, and the plan reports the new names in the
    state_dict; in a Sequential where `fuse` left `Identity` in the places of activation and
    dropout, each goes back to its own place and no name changes.

    What torch has no layer for (`DropPath`, `DropoutAdd`, the collection) stays, and is named.

    Args:
        model: any model; the root itself may be such a layer (the result is `undo.model`).
        optimizers: those that train the model. They go on as they are: parameters stay the same.

    Returns:
        A plan; `plan.apply()` reverts.

    Raises:
        ArgumentError, ArgumentTypeError: an optimizer is none, or of another model.

    Examples:
        >>> from wolfsbane import nn
        >>> print(revert(nn.BatchNormAct1d(4, "gelu")))
        revert (BatchNormAct1d): 1 change
          (the model itself)  wolfsbane.nn.BatchNormAct1d  ->  torch.nn.Sequential
        names in the state_dict:
          weight               ->  0.weight
          bias                 ->  0.bias
          running_mean         ->  0.running_mean
          running_var          ->  0.running_var
          num_batches_tracked  ->  0.num_batches_tracked
    """
    places = {id(member.module): member for member in members(model)}
    return plan_by(
        lambda member: _decide(member, places), verb="revert", model=model, optimizers=optimizers
    )


def _decide(member: Member, places: Mapping[int, Member]) -> Decision:
    module = member.module
    cls = type(module)
    if not (isinstance(module, Layer) or cls.__module__.startswith("wolfsbane.nn.")):
        return NO_CONCERN
    if cls not in TORCHS and cls not in NORMS:
        is_ours = cls.__module__.startswith("wolfsbane.")
        own = f"{cls.__module__}.{cls.__qualname__} is a class of its own"
        return Decision(why="torch.nn has no such layer" if is_ours else own)
    why = bound_by_parent(member) or own_behaviour(module, cls) or _beyond_torch(module)
    if why is not None:
        return Decision(why=why)
    if cls in NORMS and attached(module):
        return Decision(why="a layer was attached behind it, which has to stay there: undo that")
    changes = unfuse(member, places) if cls in NORMS else (_plain(member),)
    return Decision(changes, notes=_losses(member))


def _beyond_torch(module: Module) -> str | None:
    """Return what torch's layer cannot do, if anything."""
    rate = getattr(module, "p", 0.0)
    if isinstance(rate, Tensor) and (rate.is_meta or rate.dim()):
        return "its rate is not one number"
    if getattr(module, "broadcast_dims", ()):
        return "torch's layer has no broadcast_dims"
    return None


def _losses(member: Member) -> tuple[str, ...]:
    path, module = path_of(member.path), member.module
    notes = []
    if isinstance(getattr(module, "p", 0.0), Tensor):
        notes.append(f"{path}: its rate p, a tensor, becomes a number")
    if getattr(module, "generator", None) is not None:
        notes.append(f"{path}: its generator is lost; torch's layers draw from the default one")
    return tuple(notes)


def _plain(member: Member) -> Replace:
    module = member.module
    rate = getattr(module, "p", None)
    own: dict[str, Any] = {}
    if isinstance(rate, Tensor):
        own = {"_buffers": without_rate(module), "p": float(rate)}
    theirs = succeed(module, TORCHS[type(module)], without=("generator", "broadcast_dims"), **own)
    return replacement(member, theirs)
