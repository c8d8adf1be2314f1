"""How a model's graph is found: torch.fx, else torch.export, else neighbours in Sequential.

It is done with copies without hooks, so that reading a model changes nothing.
"""

import contextlib
import functools
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.nn import Identity, Module

from wolfsbane.anatomy.example import Inputs
from wolfsbane.anatomy.places import members
from wolfsbane.anatomy.twins import HOOKS, in_short, quiet, twin_of
from wolfsbane.errors import ModelError
from wolfsbane.surgery.graphs.exported import exported
from wolfsbane.surgery.graphs.graph import Graph, Node, Trace
from wolfsbane.surgery.graphs.neighbours import neighbours
from wolfsbane.surgery.graphs.symbolic import symbolic, symbolic_around_batch_norms

Tracing = Callable[[Module, Inputs | None, Mapping[str, bool]], Trace]

SOURCES: tuple[tuple[str, Tracing], ...] = (
    ("torch.fx", symbolic),
    ("torch.fx, modules without batch norm not looked into", symbolic_around_batch_norms),
    ("torch.export", exported),
)

Shapes = dict[int, tuple[torch.Size, ...]]


def read_graph(model: Module, inputs: Inputs | None, modes: Sequence[bool]) -> Graph:
    """Return what is known about the forward pass of a model, in training (True) or evaluation.

    torch.fx's symbolic tracing comes first: it does not depend on the values or shapes of an input.
    Where that fails and there is an example, torch.export, which holds for shapes such as its.
    Where neither works, neighbours in torch.nn.Sequential are all that is known.

    torch.fx is also asked with each flag of forward (an argument that is True or False, and not
    in the example) the other way: `return_features=True` may use what the default does not.

    Raises:
        ModelError: the model cannot run on the example.
    """
    try:
        twin_of(model, shared=True)
    except Exception as error:  # noqa: BLE001  # whatever a model's own __deepcopy__ raises
        return _of_neighbours(model, f"the model cannot be copied: {in_short(error)}", {})
    shapes = {} if inputs is None else _shapes(model, inputs)
    failures = []
    for name, trace in SOURCES:
        if trace is exported and inputs is None:
            failures.append("torch.export needs example_inputs")
            continue
        try:
            traces = [_trace(trace, model, inputs, training) for training in modes]
        except Exception as error:  # noqa: BLE001  # a tracer raises whatever the model raises
            failures.append(f"{name}: {in_short(error)}")
            continue
        is_symbolic = trace is not exported
        flipped = _flipped(trace, model, inputs, modes) if is_symbolic else []
        tried = {flag for found in flipped for flag in found.flags}
        return Graph(
            (*traces, *flipped),
            (f"the graph was found by {name}", *_at_defaults(model, inputs, tried)),
            shapes,
            # Which modules hold no batch norm, and are not looked into, changes with the model.
            again=functools.partial(_again, trace, inputs) if trace is symbolic else None,
        )
    return _of_neighbours(model, "; ".join(failures), shapes)


def _of_neighbours(model: Module, why: str, shapes: Shapes) -> Graph:
    notes = (
        f"no graph of the model was found ({why})",
        "so only neighbours in torch.nn.Sequential were looked at, as if nothing else called them",
    )
    return Graph((_without_identities(neighbours(model)),), notes, shapes)


def _again(trace: Tracing, inputs: Inputs | None, model: Module, old: Trace) -> Trace:
    return _trace(trace, model, inputs, bool(old.training), old.flags)


def _optional(model: Module, inputs: Inputs | None) -> dict[str, Any]:
    """Return the arguments of a model's forward that the example leaves out, and their defaults."""
    try:
        given = inspect.signature(model.forward).parameters
    except (TypeError, ValueError):  # no function of Python
        return {}
    skip = 0 if inputs is None else len(inputs.args)
    named = () if inputs is None else inputs.kwargs
    return {
        name: parameter.default
        for name, parameter in list(given.items())[skip:]
        if parameter.default is not inspect.Parameter.empty and name not in named
    }


def _flipped(
    trace: Tracing, model: Module, inputs: Inputs | None, modes: Sequence[bool]
) -> list[Trace]:
    """Return traces with one flag each the other way; without those that cannot be made."""
    found = []
    for name, default in _optional(model, inputs).items():
        if isinstance(default, bool):
            with contextlib.suppress(Exception):  # the note says which arguments were not tried
                flags = {name: not default}
                found += [_trace(trace, model, inputs, training, flags) for training in modes]
    return found


def _at_defaults(model: Module, inputs: Inputs | None, tried: Collection[str]) -> tuple[str, ...]:
    names = [name for name in _optional(model, inputs) if name not in tried]
    if not names:
        return ()
    return (f"it was read with the defaults of forward's {', '.join(names)}, and holds for these",)


def _trace(
    trace: Tracing,
    model: Module,
    inputs: Inputs | None,
    training: bool,
    flags: Mapping[str, bool] = MappingProxyType({}),
) -> Trace:
    """Trace a copy in one mode, and return the trace in terms of the model itself."""
    twin = twin_of(model, shared=trace is not exported)
    original = _originals(model, twin)
    for module in twin.modules():
        module.__dict__["training"] = training
    with quiet(twin):
        found = trace(twin, None if inputs is None else inputs.fresh(), flags)
    return _without_identities(_renamed(found, original))


def _originals(model: Module, twin: Module) -> dict[int, Module]:
    pairs = zip(members(model), members(twin), strict=True)
    return {id(copied.module): member.module for member, copied in pairs}


def _renamed(trace: Trace, original: dict[int, Module]) -> Trace:
    renamed: dict[int, Node] = {}
    for node in trace.nodes:
        module = None if node.module is None else original[id(node.module)]
        inputs = tuple(renamed[id(source)] for source in node.inputs)
        renamed[id(node)] = Node(node.name, module, inputs)
    return Trace(
        list(renamed.values()),
        trace.training,
        frozenset(id(original[key]) for key in trace.touched),
        frozenset(id(original[key]) for key in trace.hidden),
        trace.flags,
    )


def _without_identities(trace: Trace) -> Trace:
    """Leave out torch.nn.Identity, which is how a step that was taken out is left behind."""
    found: dict[int, Node] = {}
    nodes = []
    for node in trace.nodes:
        inputs = tuple(dict.fromkeys(found[id(source)] for source in node.inputs))
        if type(node.module) is Identity and len(inputs) == 1 and not has_hooks(node.module):
            found[id(node)] = inputs[0]
            continue
        found[id(node)] = Node(node.name, node.module, inputs)
        nodes.append(found[id(node)])
    return replace(trace, nodes=nodes)


def has_hooks(module: Module) -> bool:
    """Whether anything hooked to a module sees what goes in or comes out."""
    return any(vars(module)[name] for name in HOOKS)


def _shapes(model: Module, inputs: Inputs) -> Shapes:
    """Return the shapes of every module's first input, found by running a copy once."""
    found: dict[int, list[torch.Size]] = {}
    twin = twin_of(model)
    original = _originals(model, twin)

    def record(module: Module, args: tuple[Any, ...]) -> None:
        if args and isinstance(args[0], Tensor):
            found.setdefault(id(original[id(module)]), []).append(args[0].shape)

    for module in twin.modules():
        module.register_forward_pre_hook(record)
        module.__dict__["training"] = False
    fresh = inputs.fresh()
    try:
        with quiet(twin):
            twin(*fresh.args, **fresh.kwargs)
    except Exception as error:
        raise ModelError(
            f"the model cannot run on example_inputs ({in_short(error)}). Pass what it is called "
            "with: a tensor, a tuple of arguments or a dict of keyword arguments"
        ) from error
    return {key: tuple(shapes) for key, shapes in found.items()}
