"""One walk over a program's tree, which collects what it consists of."""

import ast
from collections.abc import Callable
from typing import ClassVar

from wolfsbane.audit.source.structure import Binding, Body, Class, Function, Structure

LEAVES = frozenset(
    {
        "ctx",
        "op",
        "ops",
        "id",
        "attr",
        "value_kind",
        "name",
        "names",
        "arg",
        "kind",
        "level",
        "module",
    }
    | {"type_comment", "type_ignores", "is_async", "conversion", "asname", "simple", "n", "s"}
    | {"annotation", "type_params", "rest", "kwd_attrs"}
)
"""Fields that hold no expression, or an annotation, which says nothing about what happens."""


def structure_of(tree: ast.Module) -> Structure:
    """Walk over a program once."""
    return _Walk(tree).result


class _Walk:
    def __init__(self, tree: ast.Module) -> None:
        self.parents: dict[int, ast.AST] = {}
        self.fields: dict[type[ast.AST], tuple[str, ...]] = {}
        body = Function(tree, "<module>")
        self.scopes: dict[int, Function | Class] = {id(tree): body}
        self.result = Structure(body, [body], [], [], self.parents, self.scopes, [], [])
        self.walk(tree, body, None)

    def walk(self, node: ast.AST, function: Function, owner: Class | None) -> None:
        """Visit what is below a node; `owner` is the class whose body is being read, if any."""
        handlers, fields, parents = self.HANDLERS, self.fields, self.parents
        stack: list[ast.AST] = [node]
        is_start = True
        while stack:
            node = stack.pop()
            kind = node.__class__
            handler = None if is_start else handlers.get(kind)
            is_start = False
            if handler is not None and not handler(self, node, function, owner):
                continue
            names = fields.get(kind)
            if names is None:
                names = fields[kind] = _fields_of(kind)
            for name in names:  # From the last one to the first: the stack turns them round.
                value = getattr(node, name, None)
                if value.__class__ is list:
                    for child in reversed(value):
                        if child is not None:
                            parents[id(child)] = node
                            stack.append(child)
                elif value is not None:
                    parents[id(value)] = node
                    stack.append(value)

    def on_function(self, node: Body, function: Function, owner: Class | None) -> bool:
        name = "<lambda>" if isinstance(node, ast.Lambda) else getattr(node, "name", "")
        inner = Function(node, name, owner, function)
        self.scopes[id(node)] = inner
        self.result.functions.append(inner)
        if not isinstance(node, ast.Lambda):
            if owner is None:
                self.bind(function, name, Binding("function", node))
            else:
                owner.methods[name] = inner
        for argument, default in _parameters(node):
            self.bind(inner, argument.arg, Binding("parameter", argument, default))
        self.walk(node, inner, None)
        return False

    def on_class(self, node: ast.ClassDef, function: Function, owner: Class | None) -> bool:
        inner = Class(node, node.name, function)
        self.scopes[id(node)] = inner
        self.result.classes.append(inner)
        if owner is None:
            self.bind(function, node.name, Binding("class", node))
        self.walk(node, function, inner)
        return False

    def on_call(self, node: ast.Call, function: Function, _owner: Class | None) -> bool:
        self.result.calls.append((node, function))
        return True

    def on_return(self, node: ast.Return, function: Function, _owner: Class | None) -> bool:
        if node.value is not None:
            function.returns.append(node.value)
        return True

    def on_assign(self, node: ast.Assign, function: Function, owner: Class | None) -> bool:
        for target in node.targets:
            self.assign(target, node, node.value, (), function, owner)
        if isinstance(node.targets[0], ast.Subscript):
            self.result.updates.append(node)
        return True

    def on_annotated(self, node: ast.AnnAssign, function: Function, owner: Class | None) -> bool:
        if node.value is not None:
            self.assign(node.target, node, node.value, (), function, owner)
        return True

    def on_augmented(self, node: ast.AugAssign, function: Function, _owner: Class | None) -> bool:
        binding = Binding("augment", node, node.value)
        self.result.updates.append(node)
        if isinstance(node.target, ast.Name):
            self.bind(function, node.target.id, binding)
        return True

    def on_walrus(self, node: ast.NamedExpr, function: Function, _owner: Class | None) -> bool:
        self.bind(function, node.target.id, Binding("assign", node, node.value))
        return True

    def on_import(self, node: ast.Import, function: Function, _owner: Class | None) -> bool:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            target = alias.name if alias.asname else name
            self.bind(function, name, Binding("import", node, target=target))
        return False

    def on_from(self, node: ast.ImportFrom, function: Function, _owner: Class | None) -> bool:
        package = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self.result.stars.append(package)
                continue
            target = f"{package}.{alias.name}"
            self.bind(function, alias.asname or alias.name, Binding("import", node, target=target))
        return False

    def on_name(self, node: ast.Name, function: Function, _owner: Class | None) -> bool:
        if node.ctx.__class__ is ast.Store and node.id not in function.bindings:
            # A loop's target, a context manager, a pattern: assignments were bound before.
            self.bind(function, node.id, Binding("other", node))
        return False

    def assign(
        self,
        target: ast.expr,
        node: ast.stmt,
        value: ast.expr,
        path: tuple[int, ...],
        function: Function,
        owner: Class | None,
        size: int | None = None,
    ) -> None:
        binding = Binding("assign", node, value, path, size)
        if isinstance(target, ast.Name):
            if owner is None:
                self.bind(function, target.id, binding)
            else:
                owner.attributes.setdefault(target.id, []).append(binding)
        elif isinstance(target, ast.Tuple | ast.List):
            is_fixed = not any(isinstance(one, ast.Starred) for one in target.elts)
            size = len(target.elts) if is_fixed else None
            for index, element in enumerate(target.elts):
                self.assign(element, node, value, (*path, index), function, owner, size)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            holder = _method_of(function)
            if holder is not None and target.value.id == _first_parameter(holder):
                assert holder.owner is not None
                holder.owner.attributes.setdefault(target.attr, []).append(binding)

    def bind(self, function: Function, name: str, binding: Binding) -> None:
        function.bindings.setdefault(name, []).append(binding)

    # By a node's class what is done with it; true where its children follow.
    HANDLERS: ClassVar[dict[type[ast.AST], Callable[..., bool]]] = {
        ast.FunctionDef: on_function,
        ast.AsyncFunctionDef: on_function,
        ast.Lambda: on_function,
        ast.ClassDef: on_class,
        ast.Call: on_call,
        ast.Return: on_return,
        ast.Assign: on_assign,
        ast.AnnAssign: on_annotated,
        ast.AugAssign: on_augmented,
        ast.NamedExpr: on_walrus,
        ast.Import: on_import,
        ast.ImportFrom: on_from,
        ast.Name: on_name,
    }


def _fields_of(kind: type[ast.AST]) -> tuple[str, ...]:
    """Return the fields of a node's class that hold other nodes worth visiting, the last first."""
    if kind in (ast.Constant, ast.MatchSingleton):
        return ()
    return tuple(name for name in reversed(kind._fields) if name not in LEAVES)


def _parameters(node: Body) -> list[tuple[ast.arg, ast.expr | None]]:
    """Return a function's parameters with their defaults; *args and **kwargs have none."""
    if isinstance(node, ast.Module):
        return []
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    found = list(zip(positional, [*padding, *arguments.defaults], strict=True))
    found += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [*found, *((rest, None) for rest in (arguments.vararg, arguments.kwarg) if rest)]


def _method_of(function: Function) -> Function | None:
    """Return the method that a function is, or is nested in."""
    inner: Function | None = function
    while inner is not None and inner.owner is None:
        inner = inner.parent
    return inner


def _first_parameter(function: Function) -> str | None:
    parameters = function.parameters
    return parameters[0].arg if parameters and not function.is_static else None
