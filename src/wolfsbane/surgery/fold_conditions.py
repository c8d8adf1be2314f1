"""When a batch norm and the layer beside it can become one layer, and why not."""

from collections.abc import Iterable
from typing import Any

import torch
from torch.nn import Module, Parameter

from wolfsbane import nn
from wolfsbane.surgery.folded_norm import WITH_ACTIVATION
from wolfsbane.surgery.folded_weights import LAYERS, num_inputs, num_outputs
from wolfsbane.surgery.graphs.graph import Graph
from wolfsbane.surgery.graphs.surroundings import Surroundings
from wolfsbane.surgery.graphs.symbolic import is_timm_batch_norm_act
from wolfsbane.surgery.planning.succession import own_behaviour

BATCH_NORMS = (
    *(torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d, torch.nn.SyncBatchNorm),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
    *WITH_ACTIVATION,
)

IN_TRAINING = "it is in training mode: call model.eval() first"


class Conditions:
    """What a model's graph and surroundings say about a batch norm and a layer."""

    def __init__(self, graph: Graph, around: Surroundings) -> None:
        self.graph = graph
        self.around = around
        self._holders: dict[int, int] = {}
        for member in around.members.values():
            for parameter in member.module._parameters.values():  # noqa: SLF001
                self._holders[id(parameter)] = self._holders.get(id(parameter), 0) + 1

    def obstacle(self, norm: Any, layer: Any, order: list[Module]) -> str | None:
        """Return why a batch norm and the layer beside it cannot be one, or None."""
        if type(layer) not in LAYERS:
            return f"beside it is {named(layer)}, into which nothing can be folded"
        weight = layer._parameters.get("weight")  # noqa: SLF001
        if type(weight) is not Parameter or not weight.is_floating_point():
            return f"the weight of {named(layer)} is not a plain floating-point parameter"
        channels = num_inputs(layer) if order[0] is norm else num_outputs(layer)
        if channels != norm.num_features:
            return f"{named(layer)} has {channels} channels there, and it {norm.num_features}"
        if weight.device != norm.running_var.device or weight.is_meta:
            return f"{named(layer)} is on another device, or without numbers"
        return (
            own_behaviour(layer, type(layer))
            or self._obstacle_of_shape(norm, layer)
            or self._obstacle_between(order)
            or self._obstacle_of_sharing(layer)
            or self.around.hooked(order)
            or self.around.listed(order)
        )

    def _obstacle_of_shape(self, norm: Module, layer: Module) -> str | None:
        """Return why a batch norm's channels may not be the layer's: dimension 1 of the input."""
        shapes = self.graph.shapes.get(id(norm), ())
        is_linear = isinstance(layer, torch.nn.Linear)
        if not shapes and is_linear:
            return (
                "beside it is a Linear, whose features are the last dimension and not the "
                "second unless the input has two: pass example_inputs to show that"
            )
        if not shapes and isinstance(layer, (torch.nn.Conv1d, torch.nn.ConvTranspose1d)):
            return (
                f"beside it is {named(layer)}, whose channels are the first dimension and not the "
                "second where the input has no batch: pass example_inputs to show that it has"
            )
        expected = 2 if is_linear else len(layer._parameters["weight"].shape)  # type: ignore[union-attr]  # noqa: SLF001
        for shape in shapes:
            if len(shape) != expected:
                return (
                    f"its input {tuple(shape)} has its channels in dimension 1, and "
                    f"{named(layer)} has them elsewhere"
                )
        return None

    def _obstacle_between(self, order: list[Module]) -> str | None:
        """Return why a batch norm's input may not reach the layer behind it as it was."""
        first, last = order
        if type(first) in LAYERS:
            return None
        traces = [trace for trace in self.graph.traces if id(last) in trace.calls]
        if all(trace.is_direct(first, last) for trace in traces):
            return None
        return "other steps run between, which may write into its input"

    def _obstacle_of_sharing(self, layer: Module) -> str | None:
        if len(self.around.members[id(layer)].slots) > 1:
            return f"{named(layer)} hangs in several places of the model"
        for name, parameter in layer._parameters.items():  # noqa: SLF001
            if parameter is not None and self._holders[id(parameter)] > 1:
                return f"the {name} of {named(layer)} is another module's too"
        return None


def obstacle_of_norm(norm: Any) -> str | None:
    """Return why a batch norm cannot be folded into any layer, or None."""
    if type(norm) not in BATCH_NORMS and not is_timm_batch_norm_act(norm):
        return f"{type(norm).__module__}.{type(norm).__qualname__} is a class of its own"
    if "forward" in vars(norm):
        return "its forward was replaced on this object"
    if is_timm_batch_norm_act(norm) and _has_state(norm.children()):
        return "its activation has parameters, whose names would change"
    if norm.running_mean is None or norm.running_var is None:
        return "it has no running statistics (track_running_stats=False)"
    if norm.training:
        return IN_TRAINING
    return None


def _has_state(modules: Iterable[Module]) -> bool:
    return any(module.state_dict() for module in modules)


def named(module: Module) -> str:
    """Return a module's class in words."""
    return type(module).__name__
