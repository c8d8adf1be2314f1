"""Batch norm put behind linear layers and convolutions; their biases become its beta."""

import inspect
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import LayerNorm, Module, Parameter
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrize import is_parametrized
from torch.optim import Optimizer

from wolfsbane import nn
from wolfsbane.anatomy.example import as_inputs
from wolfsbane.anatomy.places import Member, Slot, members
from wolfsbane.anatomy.selection import Selector, select
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.surgery.dropout_insertion import never_called, next_in_sequential
from wolfsbane.surgery.graphs.graph import Graph, Node
from wolfsbane.surgery.graphs.tracing import read_graph
from wolfsbane.surgery.planning.attachment import Attach, attached, free_name, runs_all_children
from wolfsbane.surgery.planning.changes import Change, SetParameter
from wolfsbane.surgery.planning.creation import anchor, at_home, without_optimizers
from wolfsbane.surgery.planning.optimizers import check_optimizers
from wolfsbane.surgery.planning.plan import Kept, Plan

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

REARRANGING = {"permute", "transpose", "flatten", "reshape", "view", "contiguous", "unflatten"}
"""Steps after which the elements are the same ones: ConvNeXt's LayerNorm stands behind one."""

NORMS = (_NormBase, LayerNorm, torch.nn.GroupNorm, torch.nn.RMSNorm)


@explain_unknown_arguments
def insert_batchnorm(
    model: Module,
    example_inputs: Any = None,
    *,
    after: Selector | None = None,
    eps: float = 1e-5,
    momentum: float | None = 0.1,
    optimizers: Sequence[Optimizer] = (),
) -> Plan:
    """Plan a batch norm behind linear layers and convolutions, which lose their biases to it.

    A batch norm subtracts the mean, so a bias before it does nothing. The layer's bias becomes the
    batch norm's beta, the very parameter, and an optimizer goes on with it; a layer whose class has
    a forward of its own keeps its bias, which that may read. gamma is 1, the running
    mean 0, the running variance 1: until statistics are learned, evaluation gives what it gave
    before, to a factor of 1/sqrt(1 + eps) on the part without bias. Learn them by training, or at
    once with `wolfsbane.stats.recalibrate`, which sets them to those of your data.

    The batch norm is a child of its layer, named `inserted_norm`, that runs by a forward hook; so
    the layer's own names in the state_dict stay. Behind a Linear it is a `BatchNormLast`, which
    takes (N, C) and (N, L, C); behind a convolution `BatchNorm1d`, `2d` or `3d`.

    Whether a norm follows a layer already is read from a graph of the forward pass, as `fuse` does:
    by torch.fx, or else by torch.export where there is an example, or else only in Sequential.

    Args:
        model: any model.
        example_inputs: what the model is called with: a tensor, a tuple of arguments, or a dict of
            keyword arguments. Default: none.
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
        ModelError: the model cannot run on the example.

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
        note: the graph was found by torch.fx
        note: 1 parameter is new: pass optimizers=[...], or build the optimizer after apply()

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167, section 3.2 (the bias is subsumed by beta).
    """
    candidates = select(model, _is_candidate if after is None else after)
    graph = read_graph(model, as_inputs(example_inputs), (True,))
    last = _last(graph, candidates) if after is None else set()
    chosen: list[Member] = []
    kept: list[Kept] = []
    for member in candidates:
        why = _why_not_unasked(member.module, last) if after is None else None
        why = why or _why_not(member, graph)
        if why is None:
            chosen.append(member)
        else:
            kept.append(Kept(member.path, type(member.module).__name__, why))
    found = _Insertions(model, eps, momentum)
    for member in chosen:
        found.add(member)
    return Plan(
        verb="insert_batchnorm",
        model=model,
        changes=tuple(found.changes),
        kept=(*kept, *found.kept),
        notes=(*graph.notes, *without_optimizers(0 if optimizers else len(found.beside))),
        optimizers=check_optimizers(model, optimizers),
        beside=found.beside,
    )


class _Insertions:
    """The batch norms that are put in, and what becomes of biases and optimizers by that."""

    def __init__(self, model: Module, eps: float, momentum: float | None) -> None:
        self._eps, self._momentum = eps, momentum
        self._holders = Counter(
            id(parameter)
            for member in members(model)
            for parameter in member.module.parameters(recurse=False)
        )
        self.changes: list[Change] = []
        self.kept: list[Kept] = []
        self.beside: dict[Parameter, Parameter] = {}

    def add(self, member: Member) -> None:
        """Put a batch norm behind a layer."""
        layer: Any = member.module
        norm = _norm(layer, self._eps, self._momentum)
        why = None if layer.bias is None else _why_bias_stays(member, self._holders)
        if why is not None:
            self.kept.append(Kept(member.path, "its bias", f"{why}: it stays, and does nothing"))
        moves = layer.bias is not None and why is None
        self.changes += _insertion(member, norm, moves=moves)
        near = anchor(layer)
        if near is not None:
            new = [norm.weight] if moves else [norm.weight, norm.bias]
            self.beside.update(dict.fromkeys(new, near))


def _is_candidate(path: str, module: Module) -> bool:
    del path
    return isinstance(module, (torch.nn.Linear, *CONVOLUTIONS))


def _last(graph: Graph, candidates: Sequence[Member]) -> set[int]:
    """Return the ids of the layers whose output is the model's; the last one, if none is known."""
    found = {
        id(member.module)
        for member in candidates
        if any(user.name == "the model's output" for user in _users(graph, member.module))
    }
    return found or {id(member.module) for member in candidates[-1:]}


def _users(graph: Graph, layer: Module) -> list[Node]:
    """Return the steps of a forward pass that take a layer's output, as it is or rearranged."""
    found: list[Node] = []
    for trace in graph.traces:
        pending = list(trace.calls.get(id(layer), ()))
        while pending:
            users = trace.users.get(id(pending.pop()), ())
            found += users
            pending += [user for user in users if user.name in REARRANGING]
    return found


def _why_not_unasked(module: Module, last: set[int]) -> str | None:
    """Return why a layer gets no batch norm unless `after` means it, or None."""
    if id(module) in last:
        return _IS_LAST
    if isinstance(module, torch.nn.Linear) and type(module).forward is not torch.nn.Linear.forward:
        return "it has a forward of its own: name it in `after` if its features come last"
    return None


def _why_not(member: Member, graph: Graph) -> str | None:
    module = member.module
    if not _is_candidate(member.path, module):
        return "neither a Linear nor a convolution"
    if any(torch.nn.parameter.is_lazy(parameter) for parameter in module.parameters()):
        return "a lazy layer without a size yet: run one batch first"
    if is_parametrized(module, "bias"):
        return "its bias is parametrized: remove the parametrization first"
    following = [next_in_sequential(parent, module) for parent in member.parents]
    users = [user.module for user in _users(graph, module)]
    if any(isinstance(other, NORMS) for other in (*following, *users, *attached(module))):
        return "a norm follows it already"
    return never_called(member) or runs_all_children(module)


def _norm(layer: Any, eps: float, momentum: float | None) -> Any:
    weight = layer.weight
    options = {"eps": eps, "momentum": momentum, "device": weight.device, "dtype": weight.dtype}
    cls: Any = next((norm for kind, norm in CONVOLUTIONS.items() if isinstance(layer, kind)), None)
    with at_home(weight.device):
        if cls is None:
            norm: Any = nn.BatchNormLast(layer.out_features, **options)
        else:
            norm = cls(layer.out_channels, **options)
    norm.weight.requires_grad_(weight.requires_grad)
    return norm


def _why_bias_stays(member: Member, holders: Counter[int]) -> str | None:
    """Return why a bias cannot become the batch norm's, or None."""
    layer: Any = member.module
    if holders[id(layer.bias)] > 1:
        return "another module has the same bias"
    forward = layer.__dict__.get("forward", type(layer).forward)
    if not getattr(forward, "__module__", "").startswith("torch.nn."):
        return "the layer's own forward may read it"
    if any(_names_bias(slot) for slot in member.slots):
        return "the source around the layer names it"
    return None


def _names_bias(slot: Slot) -> bool:
    """Whether the class that holds a layer names its bias, as in `self.dt_proj.bias`."""
    try:
        source = inspect.getsource(type(slot.parent))
    except (OSError, TypeError):  # written in a shell, or a class of torch.nn in C
        return False
    return re.search(rf"\.{re.escape(slot.name)}\.bias\b", source) is not None


def _insertion(member: Member, norm: Any, moves: bool) -> list[Change]:
    layer: Any = member.module
    name = type(layer).__name__
    bias = layer.bias
    given = free_name(layer, NAME)
    if moves:
        norm.register_parameter("bias", bias)
    new = [f"{given}.{key}" for key in norm.state_dict() if not (moves and key == "bias")]
    attach = Attach(
        path=member.path,
        paths=member.paths,
        before=name,
        after=f"{name}, then {type(norm).__name__}({norm.num_features})",
        added=tuple(new),
        owner=layer,
        name=given,
        child=norm,
        is_first=True,
    )
    if not moves:
        return [attach]
    move = SetParameter(
        path=member.path,
        paths=member.paths,
        before="its bias",
        after="the batch norm's beta",
        keys={"bias": f"{given}.bias"},
        owner=layer,
        name="bias",
        old=bias,
        new=None,
    )
    return [attach, move]
