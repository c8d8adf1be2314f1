"""Who calls whom in a forward pass: for each module its calls, what feeds it, what it feeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch.nn import Module


@dataclass(frozen=True, eq=False)
class Node:
    """One step of a forward pass.

    Args:
        name: in words: a module's path, a function's name, or "the model's output".
        module: the module that is called; None where it is something else.
        inputs: the steps whose results it takes.
    """

    name: str
    module: Module | None
    inputs: tuple["Node", ...] = ()


@dataclass(frozen=True, eq=False)
class Trace:
    """A forward pass, step by step, in the order of execution.

    Args:
        nodes: the steps.
        training: in which mode; None where the same steps are taken in both.
        touched: ids of modules whose parameters or buffers are used outside of their own calls.
        hidden: ids of modules inside those that were not looked into.
        flags: arguments of the model that had another value than their default.
    """

    nodes: Sequence[Node]
    training: bool | None
    touched: frozenset[int] = frozenset()
    hidden: frozenset[int] = frozenset()
    flags: Mapping[str, bool] = field(default_factory=dict)

    @cached_property
    def calls(self) -> dict[int, list[Node]]:
        """By a module's id, the steps that call it."""
        found: dict[int, list[Node]] = {}
        for node in self.nodes:
            if node.module is not None:
                found.setdefault(id(node.module), []).append(node)
        return found

    @cached_property
    def users(self) -> dict[int, list[Node]]:
        """By a step's id, the steps that take its result, each once."""
        found: dict[int, list[Node]] = {}
        for node in self.nodes:
            for source in dict.fromkeys(node.inputs):
                found.setdefault(id(source), []).append(node)
        return found

    def is_direct(self, first: Module, last: Module) -> bool:
        """Whether nothing runs between two modules except what leads from one to the other."""
        places = {id(node): place for place, node in enumerate(self.nodes)}
        node = self.calls[id(last)][0]
        while node.module is not first:
            if len(node.inputs) != 1 or places[id(node.inputs[0])] != places[id(node)] - 1:
                return False
            node = node.inputs[0]
        return True


@dataclass(frozen=True)
class Link:
    """The module that is next to another with nothing between, or why there is none."""

    module: Module | None
    why: str = ""


@dataclass(frozen=True, eq=False)
class Graph:
    """What is known about a model's forward pass.

    Args:
        traces: one for each mode that was asked for, or one for both.
        notes: how it was found, and what could not be.
        shapes: by a module's id, the shapes of its inputs in the example, call by call.
        again: traces another model in the way in which a trace was found; None where there is none.
    """

    traces: tuple[Trace, ...]
    notes: tuple[str, ...] = ()
    shapes: Mapping[int, tuple[torch.Size, ...]] = field(default_factory=dict)
    again: Callable[[Module, Trace], Trace] | None = None

    def count(self, module: Module) -> int:
        """Return how many times a forward pass calls a module, at most."""
        return max((len(trace.calls.get(id(module), ())) for trace in self.traces), default=0)

    def successor(self, module: Module, *, training: bool | None = None) -> Link:
        """Return the one module that alone takes this one's output.

        Both are called exactly once, and take nothing else. So it is in every trace in which the
        module is called, or in those of one mode, where that is given.
        """
        return self._link(module, training, _user)

    def predecessor(self, module: Module, *, training: bool | None = None) -> Link:
        """Return the one module whose output is this one's only input, and is used nowhere else."""
        return self._link(module, training, _source)

    def _link(self, module: Module, training: bool | None, step: "_Step") -> Link:
        traces = [t for t in self.traces if training is None or t.training in {None, training}]
        links = []
        for trace in traces:
            blocked = _obstacle(trace, module)
            if blocked is not None:
                return Link(None, f"it {blocked}")
            if id(module) in trace.calls:
                links.append(step(trace, trace.calls[id(module)][0]))
        if not links:
            return Link(None, "the forward pass does not call it")
        for link in links:
            if link.module is None:
                return link
        partner = links[0].module
        calling = [trace for trace in traces if id(partner) in trace.calls]
        if any(link.module is not partner for link in links) or len(calling) != len(links):
            return Link(None, DIFFERENT_WAYS)
        return links[0]


DIFFERENT_WAYS = "training and evaluation, or flags of forward, go different ways there"

_Step = Callable[[Trace, Node], Link]


def _obstacle(trace: Trace, module: Module) -> str | None:
    """Return why a module's calls are not known to be one plain call, if they are not."""
    count = len(trace.calls.get(id(module), ()))
    if count > 1:
        return f"is called {count} times in a forward pass"
    if id(module) in trace.hidden:
        return "is inside a module that could not be looked into"
    if id(module) in trace.touched:
        return "has parameters or statistics that are also used outside of its own call"
    return None


def _user(trace: Trace, node: Node) -> Link:
    users = trace.users.get(id(node), [])
    if not users:
        return Link(None, "its output is not used")
    if len(users) > 1:
        names = ", ".join(user.name for user in users)
        return Link(None, f"its output is used {len(users)} times: by {names}")
    return _checked(trace, users[0], users[0], "its output goes to")


def _source(trace: Trace, node: Node) -> Link:
    if len(node.inputs) != 1:
        return Link(None, f"it takes {len(node.inputs)} inputs")
    source = node.inputs[0]
    link = _checked(trace, source, node, "its input comes from")
    users = trace.users[id(source)]
    if link.module is not None and len(users) > 1:
        names = ", ".join(user.name for user in users)
        return Link(None, f"its input, from {source.name}, is used {len(users)} times: by {names}")
    return link


def _checked(trace: Trace, node: Node, taker: Node, direction: str) -> Link:
    """Return a link to a step's module, where that is called once and `taker` takes one input."""
    if node.module is None:
        return Link(None, f"{direction} {node.name}, which is no module")
    blocked = _obstacle(trace, node.module)
    if blocked is not None:
        name = type(node.module).__name__
        return Link(None, f"{direction} {name} ({node.name}), which {blocked}")
    if len(taker.inputs) != 1:
        return Link(None, f"{direction} {node.name}, which takes {len(taker.inputs)} inputs")
    return Link(node.module)
