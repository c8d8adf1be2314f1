"""Chains of a batch norm, an activation and perhaps a dropout that can be one layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import Module

from wolfsbane import nn
from wolfsbane.errors import ArgumentError
from wolfsbane.functional.activation import as_activation
from wolfsbane.surgery.graphs.graph import Graph
from wolfsbane.surgery.graphs.surroundings import Surroundings, one_kind
from wolfsbane.surgery.planning.plan import Kept
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


class ChainFinder:
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
