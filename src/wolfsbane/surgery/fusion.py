"""Batch norm, activation and dropout, one behind the other, as one layer."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import Module
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from wolfsbane import nn
from wolfsbane.anatomy.places import Member
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.errors import ArgumentError
from wolfsbane.functional.activation import as_activation
from wolfsbane.surgery.checking.retracing import Retracing
from wolfsbane.surgery.checking.verification import Part, Verification
from wolfsbane.surgery.graphs.example import Inputs, as_inputs
from wolfsbane.surgery.graphs.graph import Graph
from wolfsbane.surgery.graphs.surroundings import Surroundings, one_kind
from wolfsbane.surgery.graphs.tracing import read_graph
from wolfsbane.surgery.planning.changes import Change, Replace
from wolfsbane.surgery.planning.optimizers import check_optimizers
from wolfsbane.surgery.planning.plan import Kept, Plan
from wolfsbane.surgery.planning.succession import own_behaviour, succeed

FUSED: dict[type[Module], tuple[type[Module], int]] = {
    torch.nn.BatchNorm1d: (nn.BatchNormAct1d, 1),
    torch.nn.BatchNorm2d: (nn.BatchNormAct2d, 2),
    torch.nn.BatchNorm3d: (nn.BatchNormAct3d, 3),
    nn.BatchNorm1d: (nn.BatchNormAct1d, 1),
    nn.BatchNorm2d: (nn.BatchNormAct2d, 2),
    nn.BatchNorm3d: (nn.BatchNormAct3d, 3),
}
"""Batch norms, the layers that take their places, and how many dimensions follow the channels."""

FUSED_ALREADY = (nn.BatchNormAct1d, nn.BatchNormAct2d, nn.BatchNormAct3d)

OTHER_MASKS = (
    "the masks of torch.nn.Dropout become those of wolfsbane.nn.Dropout: of the same rate, and "
    "other bits for the same seed"
)


@dataclass(frozen=True, eq=False)
class Chain:
    """Modules that become one, and the one they become."""

    norm: Module
    act: Module
    drop: Module | None
    fused: Module

    @property
    def modules(self) -> tuple[Module, ...]:
        """Those that become one, in order."""
        return (self.norm, self.act) if self.drop is None else (self.norm, self.act, self.drop)


@explain_unknown_arguments
def fuse(
    model: Module, example_inputs: Any = None, *, optimizers: Sequence[Optimizer] = ()
) -> Plan:
    """Plan each batch norm with the activation (and the dropout) behind it to become one layer.

    The batch norm's place is taken by `wolfsbane.nn.BatchNormAct1d`, `2d` or `3d`, which shares
    its parameters and statistics; the others' by `torch.nn.Identity`. Names in the state_dict stay.

    Chains are found in the model's graph: by torch.fx, or where that fails and an example is given
    by torch.export; where both fail only between neighbours in torch.nn.Sequential, and the plan's
    notes say why. A chain is fused where each of its modules is called once, takes nothing but the
    output of the one before, and nothing else takes that output; where all are in the same mode,
    and no hook sees what is between. The others are listed with the reason.

    In training and in evaluation the fused layer computes what the chain computed. `plan.apply()`
    checks that: each chain on random input, and with `example_inputs` the whole model, in both
    modes with the same seed: outputs, masks and running statistics. The model's state is put back.
    torch.nn.Dropout is compared as wolfsbane.nn.Dropout, whose masks the fused layer has.

    Args:
        model: any model.
        example_inputs: what the model is called with: a tensor, a tuple of positional arguments or
            a dict of keyword arguments. Default: none.
        optimizers: those that train the model. They go on as they are: parameters stay the same.

    Returns:
        A plan; `plan.apply()` fuses.

    Raises:
        ArgumentTypeError, ArgumentError: the example or the optimizers are not what is expected.
        ModelError: the model does not run on the example.

    Examples:
        >>> model = torch.nn.Sequential(
        ...     torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU()
        ... )
        >>> plan = fuse(model, torch.randn(2, 3, 9, 9))
        >>> print(plan)
        fuse (Sequential): 2 changes
          1  torch.nn.BatchNorm2d  ->  wolfsbane.nn.BatchNormAct2d(relu)
          2  torch.nn.ReLU         ->  torch.nn.Identity, as it is in 1
        note: the graph was found by torch.fx
        >>> undo = plan.apply()

    References:
        Rota Bulo, Porzi, Kontschieder 2018, arXiv:1712.02616: one layer of batch norm and
        activation.
    """
    trained = check_optimizers(model, optimizers)
    inputs = as_inputs(example_inputs)
    graph = read_graph(model, inputs, modes=(True, False))
    finder = _Finder(graph, Surroundings(model))
    for member in finder.around.members.values():
        if isinstance(member.module, _BatchNorm) and type(member.module) not in FUSED_ALREADY:
            finder.look_behind(member.module)
    return Plan(
        verb="fuse",
        model=model,
        changes=tuple(finder.changes()),
        kept=tuple(finder.kept),
        notes=tuple(finder.notes()),
        optimizers=trained,
        verify=Verification(
            modes=(True, False),
            parts=lambda: [_part(chain, finder.around.path(chain.norm)) for chain in finder.chains],
            places=tuple(chain.modules for chain in finder.chains),
            inputs=inputs,
            retracing=Retracing(graph, finder.became()),
            stale=lambda: _stale(finder, model),
            reference=lambda: _our_dropouts(finder.chains, finder.around),
        ),
    )


def _replace(member: Member, new: Module, after: str) -> Replace:
    old = member.module
    before = f"{type(old).__module__.partition('.')[0]}.nn.{type(old).__name__}"
    return Replace(
        path=member.path, before=before, after=after, slots=member.slots, old=old, new=new
    )


class _Finder:
    """Finds chains, and the reasons why others are none."""

    def __init__(self, graph: Graph, around: Surroundings) -> None:
        self.graph = graph
        self.around = around
        self.chains: list[Chain] = []
        self.kept: list[Kept] = []

    def look_behind(self, norm: Module) -> None:
        """Add the chain that begins at a batch norm, or the reason why there is none."""
        act, why = self._activation(norm)
        if why is None:
            assert act is not None
            drop, left = self._dropout(norm, act)
            self.chains.append(Chain(norm, act, drop, _fused(norm, act, drop)))
            if left is not None:
                self.kept.append(left)
        else:
            self.kept.append(Kept(self.around.path(norm), type(norm).__name__, why))

    def _activation(self, norm: Module) -> tuple[Module | None, str | None]:
        """Return the activation behind a batch norm, and why they cannot be one layer."""
        if type(norm) not in FUSED:
            return None, _not_a_batch_norm(norm)
        link = self.graph.successor(norm)
        act = link.module
        if act is None:
            return None, own_behaviour(norm, type(norm)) or link.why
        if not _is_activation(act):
            return None, f"it is followed by {type(act).__name__}, not by an activation of a kernel"
        if not one_kind(norm):
            return None, "its tensors have several dtypes or devices"
        return act, self.obstacle([norm, act])

    def obstacle(self, modules: Sequence[Module]) -> str | None:
        """Return why modules that follow each other cannot be one layer, or None."""
        for module in modules:
            why = own_behaviour(module, type(module))
            if why is not None:
                return f"{type(module).__name__}: {why}"
        if len({module.training for module in modules}) > 1:
            states = [
                f"{type(m).__name__}: {'training' if m.training else 'eval'}" for m in modules
            ]
            return f"they are in different modes ({', '.join(states)})"
        return self.around.hooked(modules) or self.around.listed(modules)

    def _dropout(self, norm: Module, act: Module) -> tuple[Module | None, Kept | None]:
        """Return the dropout that can join, or the reason why the one that follows cannot."""
        drop = self.graph.successor(act, training=True).module
        if not isinstance(drop, torch.nn.modules.dropout._DropoutNd):  # noqa: SLF001
            return None, None
        why = self._obstacle_of_dropout(norm, act, drop)
        if why is None:
            return drop, None
        return None, Kept(self.around.path(drop), type(drop).__name__, why)

    def _obstacle_of_dropout(self, norm: Module, act: Module, drop: Module) -> str | None:
        if type(drop) not in {torch.nn.Dropout, nn.Dropout}:
            return (
                "only torch.nn.Dropout and wolfsbane.nn.Dropout, which are element-wise, can join"
            )
        if "p" in drop._buffers:  # noqa: SLF001
            return "its rate is a tensor"
        for trace in self.graph.traces:
            if id(drop) in trace.calls:
                before = self.graph.predecessor(drop, training=trace.training)
                if before.module is not act:
                    return before.why or "training and evaluation go different ways before it"
                if not trace.is_direct(norm, drop):
                    return "other steps run between: masks would be drawn in another order"
        return self.obstacle([norm, act, drop])

    def became(self) -> dict[int, tuple[Module, ...]]:
        """Return what takes the place of each module, by the module's id."""
        gone: dict[int, tuple[Module, ...]] = {
            id(module): () for chain in self.chains for module in chain.modules
        }
        return {**gone, **{id(chain.norm): (chain.fused,) for chain in self.chains}}

    def changes(self) -> Iterator[Change]:
        """Yield what the plan does."""
        for chain in self.chains:
            norm, *others = (self.around.members[id(module)] for module in chain.modules)
            yield _replace(norm, chain.fused, _words(chain.fused))
            for member in others:
                after = f"torch.nn.Identity, as it is in {norm.path}"
                yield _replace(member, torch.nn.Identity(), after)

    def notes(self) -> Iterator[str]:
        """Yield how it was found and what else changes."""
        yield from self.graph.notes
        if any(type(chain.drop) is torch.nn.Dropout for chain in self.chains):
            yield OTHER_MASKS


def _stale(finder: _Finder, model: Module) -> str | None:
    """Return why a chain of a plan can no longer be fused."""
    now = _Finder(finder.graph, Surroundings(model))
    return next(filter(None, (now.obstacle(chain.modules) for chain in finder.chains)), None)


def _is_activation(module: Module) -> bool:
    try:
        as_activation(module)
    except ArgumentError:
        return False
    return type(module) is not torch.nn.Identity


def _not_a_batch_norm(norm: Module) -> str:
    if isinstance(norm, torch.nn.SyncBatchNorm):
        return "a SyncBatchNorm has no fused form"
    cls = type(norm)
    return f"{cls.__module__}.{cls.__qualname__} is a class of its own"


def _fused(norm: Module, act: Module, drop: Module | None) -> Module:
    attributes: dict[str, Any] = {
        "activation": as_activation(act),
        "p": 0.0 if drop is None else float(vars(drop)["p"]),
        "generator": None if drop is None else getattr(drop, "generator", None),
    }
    return succeed(norm, FUSED[type(norm)][0], **attributes)


def _words(fused: Module) -> str:
    activation, p = vars(fused)["activation"], vars(fused)["p"]
    rate = f", p={p:g}" if p else ""
    return f"wolfsbane.nn.{type(fused).__name__}({activation}{rate})"


def _part(chain: Chain, path: str) -> Part:
    ours = tuple(_ours(module) for module in chain.modules)
    return Part(
        name=f"the chain at {path}",
        before=torch.nn.Sequential(*ours),
        after=torch.nn.Sequential(chain.fused),
        places=ours,
        inputs=_random_input(chain.norm),
    )


def _ours(module: Module) -> Module:
    return succeed(module, nn.Dropout) if type(module) is torch.nn.Dropout else module


@contextlib.contextmanager
def _our_dropouts(chains: Sequence[Chain], around: Surroundings) -> Iterator[None]:
    """Let the dropouts of all chains draw our masks, which are those of the fused layers."""
    swaps = [
        _replace(around.members[id(chain.drop)], _ours(chain.drop), "")
        for chain in chains
        if type(chain.drop) is torch.nn.Dropout
    ]
    try:
        for swap in swaps:
            swap.do()
        yield
    finally:
        for swap in reversed(swaps):
            swap.undo()


def _random_input(norm: Module) -> Inputs:
    """Return a small input for a batch norm: four samples, five values along each dimension."""
    tensors = [t for t in (*norm.parameters(), *norm.buffers()) if t.is_floating_point()]
    like = tensors[0] if tensors else torch.zeros(())
    dims = FUSED[type(norm)][1]
    shape = (4, int(vars(norm)["num_features"]), *[5] * dims)
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(shape, generator=generator) * 2 + 1
    return Inputs((values.to(like.device, like.dtype),))
