"""The operations of a model, from the graph that torch.export makes of it."""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, fx
from torch.nn import Module
from torch.utils._pytree import tree_leaves

from wolfsbane.anatomy.example import Inputs
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.lines import place_in_text
from wolfsbane.audit.model.tensors import shape_of
from wolfsbane.audit.operation import Operation, Tape
from wolfsbane.audit.torch_functions import kind_of, normalised
from wolfsbane.audit.vocabulary import CHANNEL_DROPOUTS, DROPOUTS

Value = Any
"""What a node gives: an Operation, None where no operation makes it, a list where it is many."""

BESIDE = ("wolfsbane.draw_key", "aten.empty")
"""How the names of operators begin whose results are no features."""

DROPPING = {"masked_affine": "dropout", "dropout_add": "dropout"}
"""Our operators that apply a mask, and what is meant where it is not known which function did."""


def exported(twin: Module, inputs: Inputs, layers: Mapping[str, Layer]) -> Tape:
    """Return the operations of a copy of a model in evaluation.

    Args:
        twin: the copy. Its parameters may be the model's own: export runs on imitations of them.
        inputs: what it is called with.
        layers: the model's layers by all their paths.
    """
    program = torch.export.export(twin, inputs.args, dict(inputs.kwargs), strict=False)
    reader = _Reader(layers, program.graph_signature.user_inputs)
    results = reader.read(program.graph_module, ())
    specs = program.graph_signature.output_specs
    outputs = [
        value
        for value, spec in zip(results, specs, strict=True)
        if spec.kind.name == "USER_OUTPUT" and value is not None
    ]
    return Tape(
        [*reader.inputs, *reader.operations],
        tuple(dict.fromkeys(outputs)),
        training=False,
        source="torch.export",
    )


class _Reader:
    """Turns graphs into operations.

    Args:
        layers: the model's layers by all their paths.
        names: placeholders that are the model's own inputs.
    """

    def __init__(self, layers: Mapping[str, Layer], names: Sequence[Any]) -> None:
        self._layers = layers
        self._names = frozenset(names)
        self.inputs: list[Operation] = []
        self.operations: list[Operation] = []

    def read(self, module: fx.GraphModule, given: Sequence[Value]) -> list[Value]:
        """Record a graph's operations in order, and return what makes each of its results.

        Args:
            module: the graph; one inside another has its inputs `given`.
            given: what makes them; empty for the outermost graph.
        """
        values: dict[fx.Node, Value] = {}
        left = iter(given)
        for node in module.graph.nodes:
            if node.op == "placeholder":
                values[node] = next(left, None) if given else self._input(node)
            elif node.op == "call_function":
                values[node] = self._call(node, module, values)
            elif node.op == "output":
                return [_value(leaf, values) for leaf in tree_leaves(node.args[0])]
        return []

    def _input(self, node: fx.Node) -> Operation | None:
        if node.name not in self._names or not isinstance(node.meta.get("val"), Tensor):
            return None
        self.inputs.append(Operation("input", node.name, shape=shape_of(node.meta["val"])))
        return self.inputs[-1]

    def _call(self, node: fx.Node, module: fx.GraphModule, values: dict[fx.Node, Value]) -> Value:
        if node.target is operator.getitem:
            source, index = node.args
            value = _value(source, values)
            return value[cast("int", index)] if isinstance(value, list) else value
        inner = _graph_in(node, module)
        if inner is not None:
            graph, args = inner
            return self.read(graph, [_value(arg, values) for arg in args])
        if shape_of(node.meta.get("val")) is None or str(node.target).startswith(BESIDE):
            return None
        self.operations.append(self._operation(node, values))
        return self.operations[-1]

    def _operation(self, node: fx.Node, values: dict[fx.Node, Value]) -> Operation:
        layer = self._layer_of(node)
        name, qualified = _names(node.target)
        arguments = _arguments(node)
        kind = kind_of(qualified, arguments, layer)
        if kind in DROPPING:
            arguments["training"] = True
        return Operation(
            kind=_kind_called(node, kind, layer),
            name=name,
            inputs=tuple(dict.fromkeys(_producers(node, values))),
            arguments=arguments,
            layer=layer,
            place=place_in_text(
                node.meta.get("stack_trace"), None if layer is None else layer.path
            ),
            shape=shape_of(node.meta.get("val")),
        )

    def _layer_of(self, node: fx.Node) -> Layer | None:
        stack = (node.meta.get("nn_module_stack") or {}).values()
        paths = [path for path, _ in stack]
        return next((self._layers[path] for path in reversed(paths) if path in self._layers), None)


def _value(node: Any, values: Mapping[fx.Node, Value]) -> Value:
    return values.get(node) if isinstance(node, fx.Node) else None


def _producers(node: fx.Node, values: Mapping[fx.Node, Value]) -> Iterator[Operation]:
    for source in node.all_input_nodes:
        value = values.get(source)
        yield from (v for v in tree_leaves(value) if isinstance(v, Operation))


def _graph_in(node: fx.Node, module: fx.GraphModule) -> tuple[fx.GraphModule, list[Any]] | None:
    """Return the graph that a node runs as it is, with its arguments.

    Such is what stands under `torch.no_grad()` or autocast, and a checkpointed part. Of branches
    only one runs, so an operator that takes several graphs stays one operation.
    """
    found = [
        (place, getattr(module, str(arg.target)))
        for place, arg in enumerate(node.args)
        if isinstance(arg, fx.Node) and arg.op == "get_attr"
    ]
    graphs = [(place, graph) for place, graph in found if isinstance(graph, fx.GraphModule)]
    if len(graphs) != 1:
        return None
    place, graph = graphs[0]
    given = list(node.args[place + 1 :])
    wanted = sum(inner.op == "placeholder" for inner in graph.graph.nodes)
    return (graph, given) if wanted == len(given) > 0 else None


def _names(target: Callable[..., Any] | str) -> tuple[str, str]:
    """Return an operator's name, "aten.softmax.int", and the one that the vocabulary knows."""
    if isinstance(target, torch._ops.OpOverload):  # noqa: SLF001  # torch.ops' own class
        namespace, _, name = target._schema.name.partition("::")  # noqa: SLF001
        return str(target), f"torch.ops.{namespace}.{name}"
    name = getattr(target, "__name__", str(target))
    return name, f"torch.ops.higher_order.{name}"


def _arguments(node: fx.Node) -> dict[str, Any]:
    """Return an operator's arguments by its schema's names, defaults filled in, no tensors."""
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        return {}
    given: dict[str, Any] = {}
    for place, argument in enumerate(schema.arguments):
        default = argument.default_value if argument.has_default_value() else None
        value = (
            node.args[place] if place < len(node.args) else node.kwargs.get(argument.name, default)
        )
        if not any(isinstance(leaf, fx.Node) for leaf in tree_leaves(value)):
            given[argument.name] = value
    return normalised(schema.name, given)


def _kind_called(node: fx.Node, kind: str, layer: Layer | None) -> str:
    """Return which dropout was called: several functions have one operator, here as in torch."""
    if layer is not None and layer.kind in DROPOUTS and kind in (*DROPOUTS, *DROPPING):
        return layer.kind
    function = str((node.meta.get("torch_fn") or ("", ""))[1]).rpartition(".")[2]
    called = kind_of(f"torch.nn.functional.{function}", {})
    if kind in DROPPING:
        return called if called in DROPOUTS else DROPPING[kind]
    return called if {kind, called} <= {*CHANNEL_DROPOUTS} else kind
