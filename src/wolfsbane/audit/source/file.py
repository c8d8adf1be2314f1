"""A program, as rules see it."""

import ast
import re
from collections.abc import Collection
from functools import cached_property

from wolfsbane.audit.finding import Place, Span
from wolfsbane.audit.source.calls import Call, Creation, Step
from wolfsbane.audit.source.flow import Condition
from wolfsbane.audit.source.gates import Gates
from wolfsbane.audit.source.layers import Layers
from wolfsbane.audit.source.names import Names
from wolfsbane.audit.source.structure import Binding, Class, Function, Structure
from wolfsbane.audit.source.values import UNKNOWN, Values
from wolfsbane.audit.source.walk import structure_of
from wolfsbane.audit.spellings import kind_of_class

__all__ = [
    "UNKNOWN",
    "Binding",
    "Call",
    "Class",
    "Condition",
    "Creation",
    "Function",
    "Source",
    "Step",
]

RELEVANT = ("torch", "wolfsbane", "lightning", "timm")
"""Words of which one occurs in every program that the rules are about."""

MODULES = frozenset(
    {"Module", "LightningModule", "PreTrainedModel", "Sequential", "ModuleList", "ModuleDict"}
    | {"GradientCheckpointingLayer"}
)
"""Last names of classes whose subclasses are modules of torch."""


class Source:
    """A program's text, its tree, and what the rules ask about them.

    Everything is worked out when it is first asked for.

    Args:
        text: the program.
        path: what it is called.
        tree: its syntax tree.
    """

    def __init__(self, text: str, path: str, tree: ast.Module) -> None:
        self.text = text
        self.path = path
        self.tree = tree

    @classmethod
    def read(cls, text: str, path: str = "<string>") -> "Source":
        """Parse a program.

        Raises:
            SyntaxError: it is not Python.
        """
        return cls(text, path, ast.parse(text, filename=path))

    def release(self) -> None:
        """Let go of everything, so that memory is freed at once, without the garbage collector.

        The parts of a program refer to one another; nothing can be asked of it afterwards.
        """
        structure, values = vars(self).get("structure"), vars(self).get("values")
        if structure is not None:
            for owner in structure.classes:
                owner.methods.clear()
                owner.attributes.clear()
            for function in structure.functions:
                function.bindings.clear()
        parts = [vars(self).get(name) for name in ("_layers", "_gates", "names")]
        parts += [] if values is None else [values.objects, values]
        for part in (*parts, self):
            if part is not None:
                vars(part).clear()

    @cached_property
    def is_relevant(self) -> bool:
        """Whether torch, or what is built on it, is mentioned at all."""
        return any(word in self.text for word in RELEVANT)

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends; what Python counts as one."""
        return re.split(r"\r\n|\r|\n", self.text)

    @cached_property
    def structure(self) -> Structure:
        """Functions, classes and calls."""
        return structure_of(self.tree)

    @cached_property
    def names(self) -> Names:
        """What names mean."""
        return Names(self.structure)

    @cached_property
    def values(self) -> Values:
        """Where values come from."""
        return Values(self.structure, self.names, lambda node: self._calls[id(node)])

    @cached_property
    def _gates(self) -> Gates:
        return Gates(self.structure, self.values)

    @cached_property
    def _layers(self) -> Layers:
        creations = {id(one.call.node): one for one in self.creations}
        return Layers(self.structure, self.values, self._calls, creations)

    @cached_property
    def _calls(self) -> dict[int, Call]:
        of = self.names.of
        return {
            id(node): Call(node, of(node.func, function), function)
            for node, function in self.structure.calls
        }

    @cached_property
    def calls(self) -> list[Call]:
        """All calls."""
        return list(self._calls.values())

    @cached_property
    def creations(self) -> list[Creation]:
        """The calls that make a known layer or loss."""
        found = ((kind_of_class(call.name), call) for call in self.calls if call.name is not None)
        return [Creation(kind, call) for kind, call in found if kind is not None]

    @property
    def steps(self) -> list[Step]:
        """The known operations that are applied to values, layers of a Sequential among them."""
        return self._layers.all

    def steps_of(self, kinds: Collection[str]) -> list[Step]:
        """Return the steps of some kinds, in the order of all; few calls are looked at for it."""
        return self._layers.of_kinds(kinds)

    def functions_of(self, kinds: Collection[str]) -> list[Step]:
        """Return those of them that are no layer's: `F.dropout(x)`, `x.softmax(1)`."""
        return self._layers.functions_of(kinds)

    def may_have(self, kinds: Collection[str]) -> bool:
        """Whether there may be steps of some kinds, as far as names tell: nothing is followed."""
        return self._layers.may_have(kinds)

    def step_of(self, call: Call) -> Step | None:
        """Return the step that a call is; None for other calls, such as those that make a layer."""
        return self._layers.at(call)

    @property
    def functions(self) -> list[Function]:
        """All functions, the module's own body first."""
        return self.structure.functions

    @property
    def classes(self) -> list[Class]:
        """All classes."""
        return self.structure.classes

    def call(self, node: ast.Call) -> Call:
        """Return the Call of a node."""
        return self._calls[id(node)]

    def is_module(self, owner: Class) -> bool:
        """Whether a class derives from torch.nn.Module, also through classes of this file."""
        for one in self.lineage(owner):
            for base in one.node.bases:
                name = self.names.of(base, one.scope) or ""
                last = name.rpartition(".")[2]
                if last in MODULES or kind_of_class(name) is not None:
                    return True
        return False

    def class_of(self, function: Function) -> Class | None:
        """Return the class whose method a function is, or is nested in."""
        return self.values.scopes.class_of(function)

    def name_of(self, node: ast.expr) -> str | None:
        """Return the full name of what an expression names; None where it names a value."""
        return self.names.of(node, self.function_of(node))

    def lineage(self, owner: Class) -> list[Class]:
        """Return a class and those of its bases, and theirs, that this file defines."""
        return self.values.scopes.lineage(owner)

    def attribute(self, owner: Class, name: str) -> list[Binding]:
        """Return what is assigned to an attribute of a class's instances, perhaps by a base."""
        return self.values.scopes.attribute(owner, name)

    def owners(self, node: ast.expr) -> list[Class]:
        """Return the classes of this file of which a value is an instance."""
        return self.values.objects.owners(node)

    def definitions(self, node: ast.Name) -> list[Binding]:
        """Return the bindings that may reach the reading of a name."""
        return self.values.definitions(node)

    def origins(self, node: ast.expr) -> list[ast.expr]:
        """Return the expressions that a value may come from."""
        return self.values.origins(node)

    def makers(self, node: ast.expr) -> list[Call]:
        """Return the calls that made an object, seen through `.to(device)`, wrappers and copies."""
        return [self._calls[id(one)] for one in self.values.objects.makers(node)]

    def constant(self, node: ast.expr) -> object:
        """Return the literal that a value is; UNKNOWN where it is none, or one of several."""
        return self.values.constant(node)

    def callees(self, call: Call) -> list[Function]:
        """Return the functions of this file that a call may run; a module's is its forward."""
        return self.values.objects.callees(call)

    def callers(self, function: Function) -> list[Call]:
        """Return the calls in this file that run a function."""
        return self.values.objects.callers(function)

    def called(self, call: Call) -> list[Creation]:
        """Return the known layers that a call may apply, by how they were made."""
        return self._layers.called(call)

    def chain(self, creation: Creation) -> list[Creation]:
        """Return the layers of a Sequential in order, those of nested ones in their place."""
        return self._layers.chain(creation)

    def inputs_of(self, step: Step) -> list[Step]:
        """Return the steps that may have made what a step takes."""
        return self._layers.inputs_of(step)

    def users_of(self, step: Step) -> list[Step]:
        """Return the steps that may take what a step makes."""
        return self._layers.users_of(step)

    def producers(self, node: ast.expr) -> list[Step]:
        """Return the steps that may have made a value."""
        return self._layers.producers(node)

    def conditions(self, node: ast.AST) -> list[Condition]:
        """Return the tests under which a node runs, in its own function."""
        return self._gates.conditions(node)

    def is_gated(self, node: ast.AST) -> bool:
        """Whether a value depends on the mode, or a statement runs in one mode only."""
        return self._gates.is_gated(node)

    def function_of(self, node: ast.AST) -> Function:
        """Return the function in which a node stands."""
        return self.values.scopes.function_of(node)

    def parent_of(self, node: ast.AST) -> ast.AST | None:
        """Return the node around a node."""
        return self.structure.parents.get(id(node))

    def span(self, node: ast.AST) -> Span:
        """Return where a node stands, in characters."""
        line, end = getattr(node, "lineno", 1), getattr(node, "end_lineno", None) or 1
        start = self._column(line, getattr(node, "col_offset", 0))
        return Span(line, start, end, self._column(end, getattr(node, "end_col_offset", 0)))

    def _column(self, line: int, offset: int) -> int:
        """Return the column, from 1, of an offset that ast counts in bytes of UTF-8."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return len(text.encode()[:offset].decode(errors="replace")) + 1

    def place(self, node: ast.AST) -> Place:
        """Return where a node stands, as a finding's place."""
        return Place(file=self.path, span=self.span(node))

    def segment(self, node: ast.AST) -> str:
        """Return a node's text."""
        if not hasattr(node, "lineno"):
            return ""
        span = self.span(node)
        # ast.get_source_segment splits the whole text every time.
        lines = self.lines[span.line - 1 : span.end_line]
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return "\n".join(lines)
