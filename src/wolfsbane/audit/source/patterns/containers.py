"""Layers that a module class makes and keeps in a plain list, tuple or dict."""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from wolfsbane.audit.source.file import Class, Source
from wolfsbane.audit.source.modes.vocabulary import READY_MADE
from wolfsbane.audit.source.patterns.changes import Changes
from wolfsbane.audit.spellings import kind_of_class
from wolfsbane.audit.vocabulary import BATCH_NORMS, DROPOUTS, NORMS, WEIGHTED

HOLDERS = frozenset({"sequential", "module_list", "module_dict"})
COUNTED = WEIGHTED | NORMS | BATCH_NORMS | DROPOUTS | HOLDERS | {"multi_head_attention", "prelu"}
"""Kinds with parameters, or that depend on the mode."""

CONTAINERS = frozenset(
    {"list", "tuple", "set", "dict", "collections.OrderedDict", "collections.deque", "sorted"}
    | {"reversed", "collections.defaultdict"}
)
REGISTERS = frozenset(
    {"add_module", "register_module", "setattr", "ModuleList", "ModuleDict", "Sequential"}
)
OWN_ACCOUNT = frozenset({"parameters", "named_parameters", "modules", "named_modules", "_apply"})
"""Methods by which a class that overrides them may register modules in its own way."""


@dataclass(frozen=True, eq=False)
class Unregistered:
    """An attribute that holds layers which its module does not know.

    Args:
        owner: the class.
        attribute: the attribute's name.
        node: where the container gets its layers.
        container: the expression that makes the container, where it is a list or a dict.
        layers: the calls that make the layers.
    """

    owner: Class
    attribute: str
    node: ast.AST
    container: ast.expr | None
    layers: tuple[ast.Call, ...]


def unregistered_layers(source: Source) -> Iterator[Unregistered]:
    """Yield the attributes of module classes that hold layers in plain containers."""
    changes = Changes(source)
    for owner in source.classes:
        if source.is_module(owner) and not _accounts_itself(owner):
            yield from _Attributes(source, owner, changes).found()


def _accounts_itself(owner: Class) -> bool:
    return bool(OWN_ACCOUNT & owner.methods.keys())


class _Attributes:
    """The attributes of one class."""

    def __init__(self, source: Source, owner: Class, changes: Changes) -> None:
        self.source = source
        self.owner = owner
        self.changes = changes

    @cached_property
    def calls(self) -> list[ast.Call]:
        """All calls in the class."""
        return self.changes.calls_in(self.owner.node)

    @cached_property
    def _has_made_up_names(self) -> bool:
        return any(_registers_by_name(call) for call in self.calls)

    def found(self) -> Iterator[Unregistered]:
        for name, bindings in self.owner.attributes.items():
            values = [one.value for one in bindings if one.value is not None and not one.path]
            if values and all(self._is_plain(value) for value in values):
                if self._has_made_up_names:
                    return
                if not self._is_wrapped(name):
                    yield from self._found_in(name, values)

    def _found_in(self, name: str, values: list[ast.expr]) -> Iterator[Unregistered]:
        for value in values:
            layers = tuple(self._layers_in(value))
            if layers and not _is_trick(value):
                yield Unregistered(self.owner, name, value, value, layers)
                return
        for one in self.changes.growths_in(self.owner.node):
            layers = tuple(self._layers_in(one.added)) if _is_own(one.container, name) else ()
            if layers:
                start = values[0] if len(values) == 1 else None
                yield Unregistered(self.owner, name, one.node, start, layers)
                return

    def _is_wrapped(self, name: str) -> bool:
        """Whether the attribute is handed to something that registers its layers."""
        for call in self.calls:
            if _last(call.func) in REGISTERS and any(_mentions(one, name) for one in call.args):
                return True
        return False

    def _is_plain(self, value: ast.expr) -> bool:
        """Whether an expression makes a list, tuple, set or dict, or a name holds one."""
        if isinstance(
            value, ast.List | ast.Tuple | ast.Set | ast.Dict | ast.ListComp | ast.DictComp
        ):
            return True
        if isinstance(value, ast.SetComp):
            return True
        if isinstance(value, ast.Call):
            return self.source.name_of(value.func) in CONTAINERS
        if isinstance(value, ast.BinOp):
            return self._is_plain(value.left) or self._is_plain(value.right)
        if isinstance(value, ast.Name):
            made = [one for one in self._bound(value) if one is not value]
            return bool(made) and all(
                not isinstance(one, ast.Name) and self._is_plain(one) for one in made
            )
        return False

    def _bound(self, name: ast.Name) -> list[ast.expr]:
        """Return what a local name is assigned; nothing where it gets its value another way."""
        bindings = self.source.function_of(name).bindings.get(name.id, [])
        values = [one.value for one in bindings if one.how == "assign" and not one.path]
        return [one for one in values if one is not None] if len(values) == len(bindings) else []

    def _layers_in(self, value: ast.expr, depth: int = 0) -> Iterator[ast.Call]:
        """Yield the calls that make the layers which a container has."""
        if depth > 4:  # noqa: PLR2004  # containers in containers end somewhere
            return
        if isinstance(value, ast.Call) and self.source.name_of(value.func) not in CONTAINERS:
            if self._makes_layer(value):
                yield value
            return
        if isinstance(value, ast.Name):
            yield from self._layers_of_name(value, depth)
            return
        for part in PARTS.get(type(value), lambda _: [])(value):
            yield from self._layers_in(part, depth + 1)

    def _layers_of_name(self, name: ast.Name, depth: int) -> Iterator[ast.Call]:
        if self._is_registered_elsewhere(name):
            return
        for value in self._bound(name):
            if not isinstance(value, ast.Name):
                yield from self._layers_in(value, depth + 1)
        function = self.source.function_of(name)
        for one in self.changes.growths_in(function.node):
            if getattr(one.container, "id", None) == name.id:
                yield from self._layers_in(one.added, depth + 1)

    def _is_registered_elsewhere(self, name: ast.Name) -> bool:
        """Whether what a local name holds is also given to an attribute, or to a container."""
        for bindings in self.owner.attributes.values():
            for one in bindings:
                given = one.value
                is_same = isinstance(given, ast.Name) and given.id == name.id
                if given is not None and is_same and not self._is_plain(given):
                    return True
        return any(
            _last(call.func) in REGISTERS and any(_holds(one, name.id) for one in call.args)
            for call in self.calls
        )

    def _makes_layer(self, call: ast.Call, depth: int = 0) -> bool:
        """Whether a call makes a layer with parameters, or one that depends on the mode."""
        name = self.source.name_of(call.func)
        kind = None if name is None else kind_of_class(name)
        if depth > 3:  # noqa: PLR2004  # functions in functions end somewhere
            return False
        if kind in HOLDERS:
            return self._holds_layer(call, depth)
        if kind is not None or name is None:
            return kind in COUNTED or (name is None and self._is_method_making_layer(call, depth))
        is_own = self._is_own_class_with_layers(name, depth) or self._returns_layer(call, depth)
        return bool(READY_MADE.match(name)) or is_own

    def _holds_layer(self, call: ast.Call, depth: int) -> bool:
        creation = next(one for one in self.source.creations if one.call.node is call)
        if any(layer.kind in COUNTED for layer in self.source.chain(creation)):
            return True
        parts = (part for part in ast.walk(call) if isinstance(part, ast.Call))
        return any(self._makes_layer(part, depth + 1) for part in parts if part is not call)

    def _is_method_making_layer(self, call: ast.Call, depth: int) -> bool:
        """Whether a method makes a layer: one of this file, or `.to(device)` on a new one."""
        called = call.func
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Call):
            return self._makes_layer(called.value, depth)
        return self._returns_layer(call, depth)

    def _is_own_class_with_layers(self, name: str, depth: int) -> bool:
        for owner in self.source.classes:
            if owner.name == name and self.source.is_module(owner):
                return any(
                    _last(call.func) in ("Parameter", "register_parameter", "register_buffer")
                    or self._makes_layer(call, depth + 1)
                    for call in ast.walk(owner.node)
                    if isinstance(call, ast.Call)
                )
        return False

    def _returns_layer(self, call: ast.Call, depth: int) -> bool:
        """Whether a function of this file returns a layer that it makes."""
        return any(
            self._makes_layer(made.node, depth + 1)
            for function in self.source.callees(self.source.call(call))
            if function.name not in ("forward", "__init__")
            for returned in function.returns
            for made in self.source.makers(returned)
        )


PARTS: Mapping[type[ast.expr], Callable[..., list[ast.expr]]] = {
    ast.List: lambda node: node.elts,
    ast.Tuple: lambda node: node.elts,
    ast.Set: lambda node: node.elts,
    ast.Dict: lambda node: node.values,
    ast.DictComp: lambda node: [node.value],
    ast.ListComp: lambda node: [node.elt],
    ast.SetComp: lambda node: [node.elt],
    ast.GeneratorExp: lambda node: [node.elt],
    ast.Call: lambda node: [*node.args, *(one.value for one in node.keywords)],
    ast.BinOp: lambda node: [node.left, node.right],
    ast.IfExp: lambda node: [node.body, node.orelse],
    ast.Starred: lambda node: [node.value],
}
"""What a container consists of, by how it is written."""


def _registers_by_name(call: ast.Call) -> bool:
    """Whether a call registers a module under a name that is made up."""
    name = _last(call.func)
    if name in ("add_module", "register_module"):
        return True
    return name in ("setattr", "__setattr__") and bool(call.args)


def _is_trick(value: ast.expr) -> bool:
    """Whether a module is hidden in a list of one, which is a known way to do it on purpose."""
    return isinstance(value, ast.List | ast.Tuple) and len(value.elts) == 1


def _is_own(node: ast.AST, name: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def _mentions(node: ast.AST, name: str) -> bool:
    return any(_is_own(part, name) for part in ast.walk(node))


def _holds(node: ast.AST, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
