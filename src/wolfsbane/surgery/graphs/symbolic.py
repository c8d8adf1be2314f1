"""A graph by torch.fx's symbolic tracing: it holds for inputs of every value and shape."""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor, fx
from torch.nn import Module
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._pytree import tree_leaves

from wolfsbane.anatomy.example import Inputs
from wolfsbane.errors import ModelError
from wolfsbane.nn.layer import Layer
from wolfsbane.surgery.graphs.graph import Node, Trace
from wolfsbane.surgery.graphs.watch import ParameterWatch

METADATA = {"shape", "ndim", "dtype", "device", "size", "dim", "is_cuda", "requires_grad"}
"""What may be asked about a tensor without using its values."""


def is_layer(module: Module, path: str) -> bool:
    """Whether a module is one step of a graph: a layer of torch.nn, timm or ours, no container."""
    if isinstance(module, Layer) or is_timm_batch_norm_act(module):
        return True
    return fx.Tracer().is_leaf_module(module, path)


def is_timm_batch_norm_act(module: Module) -> bool:
    """Whether a module is timm's batch norm with an activation, which most of its networks have."""
    cls = type(module)
    return f"{cls.__module__}.{cls.__qualname__}" == "timm.layers.norm_act.BatchNormAct2d"


def symbolic(model: Module, inputs: Inputs | None, flags: Mapping[str, bool]) -> Trace:
    """Return the forward pass of a model in its present mode, with these flags of its forward.

    The model may be spoilt by it, its parameters are not written.
    """
    return _trace(model, _Tracer(inputs, flags, is_opaque=False))


def symbolic_around_batch_norms(
    model: Module, inputs: Inputs | None, flags: Mapping[str, bool]
) -> Trace:
    """Return the same without looking into modules that hold no batch norm.

    Where a model cannot be traced, it is often one of those that decides something by its input.
    """
    return _trace(model, _Tracer(inputs, flags, is_opaque=True))


class _Tracer(fx.Tracer):
    def __init__(
        self, inputs: Inputs | None, flags: Mapping[str, bool], *, is_opaque: bool
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.flags = flags
        self.is_opaque = is_opaque

    def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
        if is_layer(m, module_qualified_name):
            return True
        return self.is_opaque and not any(isinstance(part, _BatchNorm) for part in m.modules())

    def create_args_for_root(
        self, root_fn: Callable[..., Any], is_module: bool, concrete_args: Any = None
    ) -> tuple[Callable[..., Any], list[Any]]:
        """Stand-ins for the arguments that hold tensors; others keep their values or defaults."""
        del is_module, concrete_args
        if self.inputs is None:
            names = _required(root_fn)
            fn = functools.partial(root_fn, **self.flags)
            return fn, [self.root, *(self._stand_in(name) for name in names)]
        args = [self._argument(f"input_{i}", arg) for i, arg in enumerate(self.inputs.args)]
        kwargs = {name: self._argument(name, arg) for name, arg in self.inputs.kwargs.items()}
        return functools.partial(root_fn, **{**kwargs, **self.flags}), [self.root, *args]

    def _argument(self, name: str, value: Any) -> Any:
        has_tensors = any(isinstance(leaf, Tensor) for leaf in tree_leaves(value))
        return self._stand_in(name) if has_tensors else value

    def _stand_in(self, name: str) -> fx.Proxy:
        return self.create_proxy("placeholder", name, (), {})


def _required(forward: Callable[..., Any]) -> list[str]:
    """Return the names of the arguments that a forward cannot do without, after self."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [
        name
        for name, parameter in list(inspect.signature(forward).parameters.items())[1:]
        if parameter.kind in positional and parameter.default is inspect.Parameter.empty
    ]


def _trace(model: Module, tracer: _Tracer) -> Trace:
    if "forward" in vars(model):
        raise ModelError("the model's forward was replaced on this object")
    with ParameterWatch(model) as watch:
        graph = tracer.trace(model)
    steps: dict[fx.Node, Node] = {}
    for node in graph.nodes:
        if not _is_metadata(node):
            module = model.get_submodule(node.target) if node.op == "call_module" else None
            sources = dict.fromkeys(steps[s] for s in node.all_input_nodes if s in steps)
            steps[node] = Node(_name(node), module, tuple(sources))
    return Trace(
        nodes=list(steps.values()),
        training=model.training,
        touched=frozenset(_touched(model, graph)) | watch.touched(),
        hidden=frozenset(_hidden(steps.values())),
        flags=tracer.flags,
    )


def _is_metadata(node: fx.Node) -> bool:
    """Whether a node asks for a tensor's shape, or such, which every step here leaves as it is."""
    if node.op == "call_method":
        return node.target in METADATA
    return node.op == "call_function" and node.target is getattr and node.args[1] in METADATA


def _name(node: fx.Node) -> str:
    if node.op == "output":
        return "the model's output"
    if node.op == "placeholder":
        return "the model's input"
    return str(getattr(node.target, "__name__", node.target))


def _touched(model: Module, graph: fx.Graph) -> Iterator[int]:
    """Yield the ids of modules whose tensors are taken as such, not by a call of the module."""
    used = {
        id(_attribute(model, str(node.target)))
        for node in graph.nodes
        if node.op == "get_attr" and not all(_is_metadata(user) for user in node.users)
    }
    for module in model.modules():
        own = (*module._parameters.values(), *module._buffers.values())  # noqa: SLF001
        if any(id(tensor) in used for tensor in own if tensor is not None):
            yield id(module)


def _attribute(model: Module, path: str) -> Any:
    owner, _, name = path.rpartition(".")
    return getattr(model.get_submodule(owner), name)


def _hidden(steps: Iterable[Node]) -> Iterator[int]:
    """Yield the ids of what is inside modules that are a single step."""
    for step in steps:
        if step.module is not None:
            yield from (id(part) for part in step.module.modules() if part is not step.module)
