"""Operations applied to values: which layer is called, and what feeds it."""

import ast
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from wolfsbane.audit.source.calls import Call, Creation, Step
from wolfsbane.audit.source.chains import Chains
from wolfsbane.audit.source.structure import Structure
from wolfsbane.audit.source.values import Values
from wolfsbane.audit.spellings import FUNCTIONS, kind_of_function

BINARY = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.MatMult: "matmul",
    ast.Pow: "pow",
}
SEVERAL = frozenset({"add", "mul", "matmul", "cat", "stack"})
"""Kinds that take more than one tensor; of others the first feeds them."""

INPUT_NAMES = ("input", "query", "x")
RECEIVED = frozenset({"T", "mT", "data", "real"})
"""Attributes of a tensor that are its numbers again."""


class Layers:
    """The steps of a program.

    Args:
        structure: what the program consists of.
        values: the flow of its values.
        calls: its calls, by node.
        creations: its layers' creations, by node.
    """

    def __init__(
        self,
        structure: Structure,
        values: Values,
        calls: dict[int, Call],
        creations: dict[int, Creation],
    ) -> None:
        self._structure = structure
        self._values = values
        self._calls = calls
        self._creations = creations
        self._chains = Chains(values, creations)
        self._found: dict[int, Step | None] = {}
        self._kept: dict[int, Step] = {}
        self._inputs: dict[int, list[Step]] = {}

    @cached_property
    def all(self) -> list[Step]:
        """All steps: layers in Sequentials, then calls in the order of the text."""
        found = (self.at(call) for call in self._calls.values())
        return [*self._in_chains.values(), *(step for step in found if step is not None)]

    def of_kinds(self, kinds: Collection[str]) -> list[Step]:
        """Return the steps of some kinds, in the same order, and look at few other calls."""
        if self._made.isdisjoint(kinds):
            return self._among(kinds, self._functions)
        in_chains = [step for step in self._in_chains.values() if step.kind in kinds]
        return in_chains + self._among(kinds, self._functions, self._applying)

    def functions_of(self, kinds: Collection[str]) -> list[Step]:
        """Return those of them that are no layer's: `F.dropout(x)`, `x.softmax(1)`."""
        return [step for step in self._among(kinds, self._functions) if step.creation is None]

    def _among(self, kinds: Collection[str], *known: Mapping[str, list[Call]]) -> list[Step]:
        """Return the steps of some kinds that are among the calls known by kind."""
        calls = {call for by_kind in known for kind in kinds for call in by_kind.get(kind, ())}
        in_order = [call for call in self._calls.values() if call in calls] if calls else []
        found = (self.at(call) for call in in_order)
        return [step for step in found if step is not None and step.kind in kinds]

    def may_have(self, kinds: Collection[str]) -> bool:
        """Whether a layer of some kinds is made, or something called that is named like them."""
        return not (self._made.isdisjoint(kinds) and self._functions.keys().isdisjoint(kinds))

    @cached_property
    def _made(self) -> set[str]:
        """Kinds of layers that are made."""
        return {creation.kind for creation in self._creations.values()}

    @cached_property
    def _functions(self) -> dict[str, list[Call]]:
        """By kind, the calls of functions, and of methods named like one."""
        found: dict[str, list[Call]] = {}
        for call in self._calls.values():
            name, method = call.name, call.attribute or ""
            kind = FUNCTIONS.get(method) if name is None else kind_of_function(name)
            if kind is not None:
                found.setdefault(kind, []).append(call)
        return found

    @cached_property
    def _applying(self) -> dict[str, list[Call]]:
        """By kind, the calls that apply a layer which the program makes."""
        found: dict[str, list[Call]] = {}
        for call in self._calls.values():
            for creation in self.called(call) if call.name is None else ():
                found.setdefault(creation.kind, []).append(call)
        return found

    @cached_property
    def _in_chains(self) -> dict[int, Step]:
        """By a creation's node, the step of a layer that stands in a Sequential."""
        steps: dict[int, Step] = {}
        for creation in self._creations.values():
            for layer in self._chains.of(creation):
                step = Step(layer.kind, layer.call.node, layer.call.function, None, layer)
                steps.setdefault(id(layer.call.node), step)
        return steps

    def at(self, call: Call) -> Step | None:
        """Return the step that a call is; None for other calls."""
        key = id(call.node)
        if key not in self._found:
            self._found[key] = None if key in self._creations else self._step_of(call)
        return self._found[key]

    def _step_of(self, call: Call) -> Step | None:
        node = call.node
        if call.name is not None:
            kind = kind_of_function(call.name)
            return None if kind is None else Step(kind, node, call.function, call)
        applied = self.called(call)
        kinds = [creation for creation in applied if creation.kind != "sequential"]
        if kinds:
            return Step(kinds[0].kind, node, call.function, call, kinds[0])
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method in FUNCTIONS and not applied and not self._is_instance(node.func):
            return Step(FUNCTIONS[method], node, call.function, call)
        return None

    def _is_instance(self, called: ast.expr) -> bool:
        """Whether a method is one of a class of this file: `self.stack(x)` stacks no tensors."""
        receiver = called.value if isinstance(called, ast.Attribute) else called
        return bool(self._values.objects.owners(receiver) or self._values.objects.owners(called))

    @cached_property
    def _applied(self) -> dict[int, list[Call]]:
        """By a creation's node, the calls that apply what it made."""
        applied: dict[int, list[Call]] = {}
        for call in self._calls.values():
            if call.name is None:
                for creation in self.called(call):
                    applied.setdefault(id(creation.call.node), []).append(call)
        return applied

    def called(self, call: Call) -> list[Creation]:
        """Return the layers that a call may apply: `self.drop(x)`, `nn.Dropout(0.5)(x)`."""
        makers = (
            self._creations.get(id(node)) for node in self._values.objects.makers(call.node.func)
        )
        return [creation for creation in makers if creation is not None]

    def inputs_of(self, step: Step) -> list[Step]:
        """Return the steps that may have made what a step takes."""
        known = self._inputs.get(id(step))
        if known is None:
            found = self._find_inputs(step)
            known = self._inputs[id(step)] = list({id(one): one for one in found}.values())
        return known

    def _find_inputs(self, step: Step) -> Iterator[Step]:
        if isinstance(step.node, ast.BinOp):
            for side in (step.node.left, step.node.right):
                yield from self.producers(side)
        elif isinstance(step.node, ast.AugAssign | ast.Subscript | ast.Attribute):
            yield from self.producers(step.node.value)
        elif step.call is None and step.creation is not None:
            yield from self._before_in_chain(step.creation)
        elif step.call is not None:
            for taken in _taken(step):
                yield from self.producers(taken)

    def _before_in_chain(self, layer: Creation) -> Iterator[Step]:
        before, chain = self._chains.before(layer)
        if before is not None:
            yield self._in_chains[id(before.call.node)]
            return
        calls = [] if chain is None else self._applied.get(id(chain.call.node), [])
        for call in calls:
            if call.node.args:
                yield from self.producers(call.node.args[0])
        if not calls:
            yield Step("input" if chain is not None else "unknown", layer.call.node)

    def producers(self, node: ast.expr) -> list[Step]:
        """Return the steps that may have made a value."""
        return list({id(one): one for one in self._produce(node, frozenset())}.values())

    def _produce(self, node: ast.expr, seen: frozenset[int]) -> Iterator[Step]:
        for origin in self._values.origins(node):
            if id(origin) in seen:
                continue
            yield from self._made_by(origin, seen | {id(origin)})

    def _made_by(self, node: ast.expr, seen: frozenset[int]) -> Iterator[Step]:
        known = self.at(self._calls[id(node)]) if isinstance(node, ast.Call) else None
        known = known or self._in_chains.get(id(node))
        if known is not None:
            yield known
        elif isinstance(node, ast.Call):
            yield from self._made_by_call(self._calls[id(node)], seen)
        elif isinstance(node, ast.BinOp):
            yield self._keep(BINARY.get(type(node.op), "unknown"), node)
        elif isinstance(node, ast.Subscript):
            yield self._keep("select", node)
        elif isinstance(node, ast.Attribute) and node.attr in RECEIVED:
            yield self._keep("view", node)
        elif isinstance(node, ast.Constant):
            yield self._keep("constant", node)
        elif isinstance(node, ast.Name) and self._is_parameter(node):
            yield self._keep("input", node)
        else:
            yield self._keep("unknown", node)

    def _made_by_call(self, call: Call, seen: frozenset[int]) -> Iterator[Step]:
        found = False
        for creation in self.called(call) if call.name is None else ():
            last = self._chains.last(creation)
            if last is not None:
                found = True
                yield self._in_chains[id(last.call.node)]
        for function in self._values.objects.callees(call):
            returned = (
                [function.node.body] if isinstance(function.node, ast.Lambda) else function.returns
            )
            for value in returned:
                found = True
                yield from self._produce(value, seen)
        if not found:
            yield self._keep("unknown", call.node, call)

    def _keep(self, kind: str, node: ast.AST, call: Call | None = None) -> Step:
        """Return the one step that stands for a node."""
        step = self._kept.get(id(node))
        if step is None:
            function = self._values.scopes.function_of(node)
            step = self._kept[id(node)] = Step(kind, node, function, call)
        return step

    def _is_parameter(self, node: ast.Name) -> bool:
        return any(binding.how == "parameter" for binding in self._values.definitions(node))

    def users_of(self, step: Step) -> list[Step]:
        """Return the steps that may take what a step makes."""
        return self._users.get(id(step), [])

    @cached_property
    def _users(self) -> dict[int, list[Step]]:
        users: dict[int, list[Step]] = {}
        for user in self.all:
            for taken in self.inputs_of(user):
                users.setdefault(id(taken), []).append(user)
        return users

    def chain(self, creation: Creation) -> list[Creation]:
        """Return the layers of a Sequential, nested ones in its place."""
        return self._chains.of(creation)


def _taken(step: Step) -> list[ast.expr]:
    """Return the expressions of the tensors that a call takes."""
    assert step.call is not None
    node = step.call.node
    is_method = step.creation is None and step.call.name is None
    given = list(node.args)
    if is_method:
        assert isinstance(node.func, ast.Attribute)
        given = [node.func.value, *given]
    given = given or [one.value for one in node.keywords if one.arg in INPUT_NAMES]
    if step.kind not in SEVERAL:
        return given[:1]
    lists = [one.elts if isinstance(one, ast.List | ast.Tuple) else [one] for one in given[:2]]
    return [element for elements in lists for element in elements]
