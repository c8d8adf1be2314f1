"""Batch norm put behind linear layers and convolutions; their biases become its beta."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import LayerNorm, Module, Parameter
from torch.nn.modules.batchnorm import _NormBase
from torch.optim import Optimizer

from wolfsbane import nn
from wolfsbane.anatomy.places import Member, members
from wolfsbane.anatomy.selection import Selector, select
from wolfsbane.surgery.attachment import Attach, attached
from wolfsbane.surgery.changes import Change, SetParameter
from wolfsbane.surgery.dropout_insertion import never_called, next_in_sequential
from wolfsbane.surgery.optimizers import check_optimizers
from wolfsbane.surgery.plan import Kept, Plan

NAME = "inserted_norm"
"""What the layer is called, as a child of the module it stands behind."""

CONVOLUTIONS: dict[type[Module], type[nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d]] = {
    torch.nn.Conv1d: nn.BatchNorm1d,
    torch.nn.Conv2d: nn.BatchNorm2d,
    torch.nn.Conv3d: nn.BatchNorm3d,
    torch.nn.ConvTranspose1d: nn.BatchNorm1d,
    torch.nn.ConvTranspose2d: nn.BatchNorm2d,
    torch.nn.ConvTranspose3d: nn.BatchNorm3d,
}

_IS_LAST = "the last layer: its output is the model's"

NORMS = (_NormBase, LayerNorm, torch.nn.GroupNorm, torch.nn.RMSNorm)


def insert_batchnorm(
    model: Module,
    *,
    after: Selector | None = None,
    eps: float = 1e-5,
    momentum: float | None = 0.1,
    optimizers: Sequence[Optimizer] = (),
) -> Plan:
    """Plan a batch norm behind linear layers and convolutions, which lose their biases to it.

    A batch norm subtracts the mean, so a bias before it does nothing. The layer's bias becomes the
    batch norm's beta, the very parameter, and an optimizer goes on with it. gamma is 1, the running
    mean 0, the running variance 1: until statistics are learned, evaluation gives what it gave
    before, to a factor of 1/sqrt(1 + eps) on the part without bias. Learn them by training, or at
    once with `wolfsbane.stats.recalibrate`, which sets them to those of your data.

    The batch norm is a child of its layer, named `inserted_norm`, that runs by a forward hook; so
    the layer's own names in the state_dict stay. Behind a Linear it is a `BatchNormLast`, which
    takes (N, C) and (N, L, C); behind a convolution `BatchNorm1d`, `2d` or `3d`.

    Args:
        model: any model.
        after: behind which linear layers and convolutions: a class, a pattern of paths, a function
            of (path, module), or a list. Default: all of them but the last, whose output is the
            model's.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, or None. Default: 0.1.
        optimizers: those that train the model. gamma joins the group that holds the weight.

    Returns:
        A plan. A layer that a norm follows already is left, and named.

    Raises:
        ArgumentError: eps or momentum out of range, or a pattern matches no module.
        ArgumentTypeError: `after` is none of what it may be.

    Examples:
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 2))
        >>> print(insert_batchnorm(model))
        insert_batchnorm (Sequential): 2 changes
          0  Linear    ->  Linear, then BatchNormLast(8)
          0  its bias  ->  the batch norm's beta
        left as it is:
          1  Linear      the last layer: its output is the model's
        names in the state_dict:
          0.bias  ->  0.inserted_norm.bias
          0.inserted_norm.weight               (new)
          0.inserted_norm.running_mean         (new)
          0.inserted_norm.running_var          (new)
          0.inserted_norm.num_batches_tracked  (new)

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167, section 3.2 (the bias is subsumed by beta).
    """
    everyone = members(model)
    candidates = select(model, _is_candidate if after is None else after)
    last = candidates[-1].module if after is None and candidates else None
    changes: list[Change] = []
    kept = []
    beside: dict[Parameter, Parameter] = {}
    for member in candidates:
        why = _IS_LAST if member.module is last else _why_not(member)
        if why is not None:
            kept.append(Kept(member.path, type(member.module).__name__, why))
            continue
        layer: Any = member.module
        norm = _norm(layer, eps, momentum)
        num_holders = _holders(everyone, layer.bias)
        changes += _insertion(member, norm, moves=num_holders == 1)
        beside[norm.weight] = layer.weight
        if num_holders > 1:
            beside[norm.bias] = layer.weight
            why = "another module has the same bias: it stays, and does nothing"
            kept.append(Kept(member.path, "its bias", why))
        elif num_holders == 0:
            beside[norm.bias] = layer.weight
    return Plan(
        verb="insert_batchnorm",
        model=model,
        changes=tuple(changes),
        kept=tuple(kept),
        optimizers=check_optimizers(model, optimizers),
        beside=beside,
    )


def _is_candidate(path: str, module: Module) -> bool:
    del path
    return isinstance(module, (torch.nn.Linear, *CONVOLUTIONS))


def _why_not(member: Member) -> str | None:
    module = member.module
    if not _is_candidate(member.path, module):
        return "neither a Linear nor a convolution"
    if any(torch.nn.parameter.is_lazy(parameter) for parameter in module.parameters()):
        return "a lazy layer without a size yet: run one batch first"
    following = [next_in_sequential(parent, module) for parent in member.parents]
    if any(isinstance(other, NORMS) for other in (*following, *attached(module))):
        return "a norm follows it already"
    return never_called(member)


def _norm(layer: Any, eps: float, momentum: float | None) -> Any:
    weight = layer.weight
    options = {"eps": eps, "momentum": momentum, "device": weight.device, "dtype": weight.dtype}
    cls: Any = next((norm for kind, norm in CONVOLUTIONS.items() if isinstance(layer, kind)), None)
    if cls is None:
        norm: Any = nn.BatchNormLast(layer.out_features, **options)
    else:
        norm = cls(layer.out_channels, **options)
    norm.weight.requires_grad_(weight.requires_grad)
    return norm


def _holders(everyone: Sequence[Member], bias: Parameter | None) -> int:
    """Return how many modules hold a bias: more than one where it is tied."""
    own = (member.module.parameters(recurse=False) for member in everyone)
    return sum(any(parameter is bias for parameter in parameters) for parameters in own)


def _insertion(member: Member, norm: Any, moves: bool) -> list[Change]:
    layer: Any = member.module
    name = type(layer).__name__
    bias = layer.bias
    if moves:
        norm.register_parameter("bias", bias)
    new = [f"{NAME}.{key}" for key in norm.state_dict() if not (moves and key == "bias")]
    attach = Attach(
        path=member.path,
        paths=member.paths,
        before=name,
        after=f"{name}, then {type(norm).__name__}({norm.num_features})",
        added=tuple(new),
        owner=layer,
        name=NAME,
        child=norm,
    )
    if not moves:
        return [attach]
    move = SetParameter(
        path=member.path,
        paths=member.paths,
        before="its bias",
        after="the batch norm's beta",
        keys={"bias": f"{NAME}.bias"},
        owner=layer,
        name="bias",
        old=bias,
        new=None,
    )
    return [attach, move]
