"""A graph by torch.export: it holds for inputs of the example's shapes, whatever their values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx
from torch.nn import Module

from wolfsbane.anatomy.example import Inputs
from wolfsbane.errors import ModelError
from wolfsbane.surgery.graphs.graph import Node, Trace
from wolfsbane.surgery.graphs.symbolic import is_layer

METADATA = ("aten._assert_tensor_metadata", "aten.sym_size", "aten.sym_numel")
"""Operations that ask about a tensor without using its values."""


@dataclass(eq=False)
class _Group:
    """The operations of one call of a layer; or a single one that no layer computes."""

    call: tuple[str, ...]
    module: Module | None
    path: str
    nodes: list[fx.Node] = field(default_factory=list)


def exported(model: Module, inputs: Inputs | None, flags: Mapping[str, bool]) -> Trace:
    """Return the forward pass of a model in its present mode, each call of a layer as one step."""
    assert inputs is not None
    assert not flags
    program = torch.export.export(model, inputs.args, dict(inputs.kwargs), strict=False)
    if any(isinstance(part, fx.GraphModule) for part in program.graph_module.children()):
        raise ModelError("torch.export put a part of the model into a graph of its own")
    constants = _constants(program, model)
    groups = _groups(program.graph, model, constants)
    return Trace(
        nodes=_steps(groups, constants),
        training=model.training,
        touched=frozenset(_touched(model, groups, constants)),
    )


def _constants(program: Any, model: Module) -> dict[str, Tensor | None]:
    """Return what is no input of the model, by its name in the graph: parameters, buffers."""
    signature = program.graph_signature
    named = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    found: dict[str, Tensor | None] = dict.fromkeys(signature.inputs_to_lifted_tensor_constants)
    found.update({name: tensors.get(path) for name, path in named.items()})
    return found


def _groups(graph: fx.Graph, model: Module, constants: dict[str, Any]) -> list[_Group]:
    groups: list[_Group] = []
    for node in graph.nodes:
        if node.name in constants or str(node.target).startswith(METADATA):
            continue
        group = _group_of(node, model)
        if group.module is None or not groups or groups[-1].call != group.call:
            groups.append(group)
        groups[-1].nodes.append(node)
    return groups


def _group_of(node: fx.Node, model: Module) -> _Group:
    """Return an empty group for a node: of the outermost layer whose call computes it."""
    call: tuple[str, ...] = ()
    for key, (path, _) in (node.meta.get("nn_module_stack") or {}).items():
        call = (*call, key)
        module = model.get_submodule(path)
        if path and is_layer(module, path):
            return _Group(call, module, path)
    return _Group((), None, "")


def _steps(groups: list[_Group], constants: dict[str, Any]) -> list[Node]:
    steps: list[Node] = []
    made_by: dict[fx.Node, Node] = {}
    for group in groups:
        sources = [
            made_by[source]
            for node in group.nodes
            for source in node.all_input_nodes
            if source in made_by and source.name not in constants
        ]
        step = Node(_name(group), group.module, tuple(dict.fromkeys(sources)))
        made_by.update(dict.fromkeys(group.nodes, step))
        steps.append(step)
    return steps


def _name(group: _Group) -> str:
    if group.module is not None:
        return group.path
    node = group.nodes[0]
    ends = {"output": "the model's output", "placeholder": "the model's input"}
    return ends.get(node.op, str(node.target).removeprefix("aten.").split(".")[0])


def _touched(
    model: Module, groups: list[_Group], constants: dict[str, Tensor | None]
) -> Iterator[int]:
    """Yield the ids of modules whose tensors another step than their own call uses."""
    outside: set[int] = set()
    for group in groups:
        own = set() if group.module is None else {id(tensor) for tensor in _tensors(group.module)}
        for node in group.nodes:
            used = [constants.get(source.name) for source in node.all_input_nodes]
            outside.update(id(t) for t in used if t is not None and id(t) not in own)
    for module in model.modules():
        direct = (*module._parameters.values(), *module._buffers.values())  # noqa: SLF001
        if any(id(tensor) in outside for tensor in direct if tensor is not None):
            yield id(module)


def _tensors(module: Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
