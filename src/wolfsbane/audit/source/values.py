"""Where values come from: followed through names, branches, attributes, and calls in one file."""

import ast
import itertools
from collections.abc import Callable, Iterator
from typing import Final

from wolfsbane.audit.source.calls import Call
from wolfsbane.audit.source.flow import Environment, Flow, flow_of
from wolfsbane.audit.source.names import Names
from wolfsbane.audit.source.structure import Binding, Class, Function, Structure

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
UNKNOWN: Final = object()
"""What `constant` returns where a value is not one literal."""

DEEPEST = 14
"""Steps from a name to what it was given that are followed."""

MOST = 24
"""Origins of one value beyond which the rest is left alone."""

SAME_MODEL = frozenset(
    {"to", "cuda", "cpu", "float", "half", "double", "bfloat16", "eval", "train", "share_memory"}
    | {"requires_grad_", "apply", "type", "xpu", "to_empty"}
)
"""Methods of a module that return that module."""

WRAPPERS = frozenset(
    {
        "torch.nn.DataParallel",
        "torch.nn.parallel.DistributedDataParallel",
        "torch.nn.parallel.DataParallel",
        "torch.compile",
        "torch.jit.script",
        "torch.nn.SyncBatchNorm.convert_sync_batchnorm",
        "torch.nn.utils.parametrizations.weight_norm",
        "torch.nn.utils.parametrizations.spectral_norm",
        "torch.nn.utils.weight_norm",
        "torch.nn.utils.spectral_norm",
        "copy.deepcopy",
        "copy.copy",
    }
)
"""Functions that return the module they are given, wrapped or copied."""


class Values:
    """The flow of values through a program.

    Args:
        structure: what the program consists of.
        names: what its names mean.
        find_call: gives the Call of a node.
    """

    def __init__(
        self, structure: Structure, names: Names, find_call: Callable[[ast.Call], Call]
    ) -> None:
        self._structure = structure
        self._names = names
        self._find_call = find_call
        self._flows: dict[int, Flow] = {}
        self._origins: dict[object, list[ast.expr]] = {}
        self._owned: dict[object, list[Class]] = {}
        self._callers: dict[int, list[Call]] | None = None
        self._has_asked = False
        self._tentative: set[object] = set()
        self._by_name = {one.name: one for one in structure.classes}

    def flow(self, function: Function) -> Flow:
        """Return the flow of a function, worked out when first asked for."""
        known = self._flows.get(id(function))
        if known is None:
            known = self._flows[id(function)] = flow_of(function)
        return known

    def function_of(self, node: ast.AST) -> Function:
        """Return the function in which a node stands."""
        parents, scopes = self._structure.parents, self._structure.scopes
        while (parent := parents.get(id(node))) is not None:
            node = parent
            scope = scopes.get(id(node))
            if isinstance(scope, Function):
                return scope
        return self._structure.body

    def class_of(self, function: Function) -> Class | None:
        """Return the class whose method a function is, or is nested in."""
        inner: Function | None = function
        while inner is not None and inner.owner is None:
            inner = inner.parent
        return None if inner is None else inner.owner

    def lineage(self, owner: Class) -> list[Class]:
        """Return a class and those of its bases, and theirs, that this file defines."""
        found = [owner]
        for one in found:
            for base in one.node.bases:
                known = self._by_name.get(getattr(base, "id", ""))
                if known is not None and known not in found:
                    found.append(known)
        return found

    def method(self, owner: Class, name: str) -> Function | None:
        """Return a method of a class, perhaps inherited."""
        found = (one.methods[name] for one in self.lineage(owner) if name in one.methods)
        return next(found, None)

    def attribute(self, owner: Class, name: str) -> list[Binding]:
        """Return what is assigned to an attribute of a class's instances, perhaps by a base."""
        return [binding for one in self.lineage(owner) for binding in one.attributes.get(name, ())]

    def origins(self, node: ast.expr) -> list[ast.expr]:
        """Return the expressions that a value may come from; itself, where it goes no further."""
        key: object = id(node)
        known = self._origins.get(key)
        if known is None:
            key = self._key(node)
            known = self._origins.get(key)
        if known is None:
            known = self._find_origins(node, key)
        elif key in self._tentative:
            self._has_asked = True
        return known

    def _find_origins(self, node: ast.expr, key: object) -> list[ast.expr]:
        self._origins[key] = []  # What goes in a circle comes from nowhere, as far as known now.
        self._tentative.add(key)
        before, self._has_asked = self._has_asked, False
        found = self._follow(node, frozenset(), 0)
        known = list({id(one): one for one in itertools.islice(found, MOST)}.values())
        self._origins[key] = known
        if not self._has_asked:
            self._tentative.discard(key)
        self._has_asked |= before
        return known

    def _key(self, node: ast.expr) -> object:
        """Return what a value's origins are remembered under: `self.x` is one value in a class."""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = self._owner_of_self(node.value.id, self.function_of(node))
            if owner is not None and self.attribute(owner, node.attr):
                return id(owner), node.attr
        return id(node)

    def _follow(self, node: ast.expr, seen: frozenset[int], depth: int) -> Iterator[ast.expr]:
        if id(node) in seen:
            return
        if depth > DEEPEST:
            yield node
            return
        seen |= {id(node)}
        bindings: list[Binding] | None = None
        if isinstance(node, ast.Name):
            bindings = self.definitions(node)
        elif isinstance(node, ast.Attribute):
            bindings = [
                one for owner in self.owners(node.value) for one in self.attribute(owner, node.attr)
            ]
        inner = _branches(node)
        if inner is not None:
            for branch in inner:
                yield from self._follow(branch, seen, depth + 1)
        elif bindings:
            for binding in bindings:
                yield from self._through(node, binding, seen, depth + 1)
        else:
            yield node

    def definitions(self, node: ast.Name) -> list[Binding]:
        """Return the bindings that may reach the reading of a name."""
        function, environment = self._environment(node)
        if environment is None:
            return []
        bindings, scope = self._names.bindings(node.id, function)
        # A name that an expression binds, `(n := f())`, is not followed through statements.
        is_inline = any(isinstance(one.node, ast.NamedExpr) for one in bindings)
        if node.id in environment and not is_inline:
            return list(environment[node.id])
        # In its own function only what reaches counts; from around it, whatever was bound.
        is_own = scope is function and scope is not self._structure.body
        return [] if is_own and not is_inline else bindings

    def _environment(self, node: ast.Name) -> tuple[Function, Environment | None]:
        """Return where a name is read, and what reaches there; None where it is hidden."""
        parents, scopes = self._structure.parents, self._structure.scopes
        statement: ast.AST | None = None
        inner: ast.AST = node
        while (around := parents.get(id(inner))) is not None:
            if statement is None and isinstance(inner, ast.stmt):
                statement = inner
            if isinstance(around, COMPREHENSIONS) and node.id in _targets(around):
                return self._structure.body, None
            scope = scopes.get(id(around))
            if isinstance(scope, Function):
                before = self.flow(scope).before
                return scope, before.get(id(statement or around), {})
            inner = around
        return self._structure.body, {}

    def _through(
        self, node: ast.expr, binding: Binding, seen: frozenset[int], depth: int
    ) -> Iterator[ast.expr]:
        if binding.how == "assign" and binding.value is not None:
            for value in self._unpacked(binding.value, binding.path, seen, depth):
                yield from self._follow(value, seen, depth) if value is not node else (node,)
        elif binding.how == "parameter":
            yield from self._given(node, binding, seen, depth)
        else:
            yield node

    def _unpacked(
        self, value: ast.expr, path: tuple[int, ...], seen: frozenset[int], depth: int
    ) -> Iterator[ast.expr]:
        """Yield what `a, b = value` gives one of its names; the value where it is no tuple."""
        if not path:
            yield value
            return
        for origin in [value] if isinstance(value, ast.Tuple) else self._follow(value, seen, depth):
            tuples = (
                [origin] if isinstance(origin, ast.Tuple | ast.List) else self._returned(origin)
            )
            found = False
            for one in tuples:
                if path[0] < len(one.elts) and len(path) == 1:
                    found = True
                    yield one.elts[path[0]]
            if not found:
                yield origin if not isinstance(origin, ast.Tuple | ast.List) else value

    def _returned(self, node: ast.expr) -> list[ast.Tuple | ast.List]:
        """Return the tuples that a call of a function of this file returns."""
        if not isinstance(node, ast.Call):
            return []
        returns = [value for one in self.callees(self._find_call(node)) for value in one.returns]
        return [value for value in returns if isinstance(value, ast.Tuple | ast.List)]

    def _given(
        self, node: ast.expr, binding: Binding, seen: frozenset[int], depth: int
    ) -> Iterator[ast.expr]:
        """Yield what callers in this file give a parameter, and its default; else the parameter."""
        given = self.given(binding)
        if not given:
            yield node
        for value in given:
            if value is None:
                yield node
            else:
                yield from self._follow(value, seen, depth)

    def given(self, binding: Binding) -> list[ast.expr | None]:
        """Return what each caller in this file gives a parameter; None where that is not known."""
        assert isinstance(binding.node, ast.arg)
        function = self.function_of(binding.node)
        name = binding.node.arg
        names = [parameter.arg for parameter in function.parameters]
        if name not in names:  # *args, **kwargs
            return []
        position = names.index(name)
        if function.owner is not None and not function.is_static:
            position -= 1
        found = []
        for call in self.callers(function):
            value = call.argument(name, position) if position >= 0 else None
            if value is None and not call.has_unknown_arguments:
                value = binding.value
            found.append(value)
        return found

    def callers(self, function: Function) -> list[Call]:
        """Return the calls in this file that run a function."""
        if self._callers is None:
            self._callers = self._find_callers()
        self._has_asked = True
        return self._callers.get(id(function), [])

    def _find_callers(self) -> dict[int, list[Call]]:
        """Return by each function's id the calls that run it.

        Who calls depends on what values are, and that on who calls: so it is asked twice, at first
        with nothing known about parameters.
        """
        callers: dict[int, list[Call]] = {}
        for _ in range(2):
            self._callers, callers = callers, {}
            self._forget_tentative()
            self._add_named(callers)
            self._add_instances(callers)
        self._forget_tentative()
        return callers

    def _forget_tentative(self) -> None:
        """Forget what rests on an answer about callers, which may have been incomplete."""
        for key in self._tentative:
            self._origins.pop(key, None)
            self._owned.pop(key, None)
        self._tentative.clear()

    def _add_named(self, callers: dict[int, list[Call]]) -> None:
        """Calls of functions, methods and classes by their names."""
        known = {one.name for one in self._structure.functions} | set(self._by_name)
        for node, _ in self._structure.calls:
            call = self._find_call(node)
            if call.attribute in known:
                for callee in self._named(call):
                    callers.setdefault(id(callee), []).append(call)

    def _add_instances(self, callers: dict[int, list[Call]]) -> None:
        """Calls of instances: `model(x)` runs the forward of a class of this file."""
        forwards = {
            id(one): forward
            for one in self._structure.classes
            if (forward := self.method(one, "forward") or self.method(one, "__call__")) is not None
        }
        if not forwards:
            return
        for node, function in self._structure.calls:
            if isinstance(node.func, ast.Name) and self._is_defined_as_other(node.func, function):
                continue
            if self._names.of(node.func, function) is not None:
                continue  # Something imported is no instance of a class in this file.
            for owner in self.owners(node.func):
                if id(owner) in forwards:
                    callers.setdefault(id(forwards[id(owner)]), []).append(self._find_call(node))

    def _is_defined_as_other(self, node: ast.Name, function: Function) -> bool:
        bindings, scope = self._names.bindings(node.id, function)
        return scope is None or all(one.how in ("import", "function", "class") for one in bindings)

    def callees(self, call: Call) -> list[Function]:
        """Return the functions of this file that a call may run."""
        named = self._named(call)
        if named:
            return named
        found = []
        for owner in self.owners(call.node.func):
            forward = self.method(owner, "forward") or self.method(owner, "__call__")
            if forward is not None:
                found.append(forward)
        return found

    def _named(self, call: Call) -> list[Function]:
        """Return what is called by its name: a function, a class's __init__, a method."""
        called = call.node.func
        local = self._names.local(called, call.function)
        if isinstance(local, Function):
            return [local]
        if isinstance(local, Class):
            made = self.method(local, "__init__")
            return [] if made is None else [made]
        if isinstance(called, ast.Attribute):
            methods = [self.method(owner, called.attr) for owner in self.owners(called.value)]
            return [method for method in methods if method is not None]
        return []

    def owners(self, node: ast.expr) -> list[Class]:
        """Return the classes of this file of which a value is an instance: `self`, `Net()`."""
        key = self._key(node)
        known = self._owned.get(key)
        if known is None:
            before, self._has_asked = self._has_asked, False
            known = self._owned[key] = self._find_owners(node)
            if self._has_asked:
                self._tentative.add(key)
            self._has_asked |= before
        elif key in self._tentative:
            self._has_asked = True
        return known

    def _find_owners(self, node: ast.expr) -> list[Class]:
        if isinstance(node, ast.Name):
            function = self.function_of(node)
            owner = self._owner_of_self(node.id, function)
            if owner is not None:
                return [owner]
            if self._is_defined_as_other(node, function):
                return []
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "super"
        ):
            owner = self.class_of(self.function_of(node))
            return [] if owner is None else self.lineage(owner)[1:]
        made = (self._names.local(one.func, self.function_of(one)) for one in self.makers(node))
        return list({id(one): one for one in made if isinstance(one, Class)}.values())

    def _owner_of_self(self, name: str, function: Function) -> Class | None:
        """Return the class whose instance a name is because it is a method's first parameter."""
        inner: Function | None = function
        while inner is not None and inner.owner is None:
            if name in inner.bindings:
                return None
            inner = inner.parent
        if inner is None or inner.is_static or not inner.parameters:
            return None
        return inner.owner if inner.parameters[0].arg == name else None

    def makers(self, node: ast.expr) -> list[ast.Call]:
        """Return the calls that made a value, seen through `.to(device)`, wrappers and copies."""
        found: list[ast.Call] = []
        waiting, seen = [node], set[int]()
        while waiting:
            for origin in self.origins(waiting.pop()):
                if id(origin) in seen or not isinstance(origin, ast.Call):
                    continue
                seen.add(id(origin))
                inner = self._unwrapped(origin)
                if inner is None:
                    found.append(origin)
                else:
                    waiting.append(inner)
        return found

    def _unwrapped(self, node: ast.Call) -> ast.expr | None:
        """Return the module that a call only wraps, copies or moves."""
        call = self._find_call(node)
        if call.name in WRAPPERS and node.args:
            return node.args[0]
        if call.name is None and call.attribute in SAME_MODEL:
            return call.receiver
        is_chained = isinstance(call.receiver, ast.Call) and call.attribute in SAME_MODEL
        return call.receiver if is_chained else None

    def start_of_list(self, node: ast.expr) -> ast.List | ast.Tuple | None:
        """Return the one literal that a list was before it grew; None where there are several."""
        if isinstance(node, ast.Name):
            bindings = self.definitions(node)
            values = [one.value for one in bindings if one.how != "augment" and not one.path]
            if any(one.how == "augment" for one in bindings) and not values:
                own = self.function_of(node).bindings.get(node.id, [])
                values = [one.value for one in own if one.how == "assign"]
            origins = [o for value in values if value is not None for o in self.origins(value)]
        else:
            origins = self.origins(node)
        is_one = len(origins) == 1 and isinstance(origins[0], ast.List | ast.Tuple)
        return origins[0] if is_one else None  # type: ignore[return-value]

    def growth(self, node: ast.Name) -> list[tuple[ast.AST, ast.expr]]:
        """Return what is added to a list before it is read, each with the statement that adds it.

        `layers += [...]` and `layers.append(...)` in the name's own function.
        """
        function = self.function_of(node)
        found: list[tuple[ast.AST, ast.expr]] = [
            (binding.node, binding.value)
            for binding in function.bindings.get(node.id, ())
            if binding.how == "augment" and binding.value is not None
        ]
        for call, inside in self._structure.calls:
            receiver = getattr(call.func, "value", None)
            is_growing = getattr(call.func, "attr", "") in {"append", "extend"} and call.args
            if inside is function and is_growing and getattr(receiver, "id", "") == node.id:
                found.append((self._structure.parents[id(call)], call.args[0]))
        before = [one for one in found if getattr(one[0], "lineno", 0) < node.lineno]
        return sorted(before, key=lambda one: getattr(one[0], "lineno", 0))

    def block(self, node: ast.AST) -> ast.AST:
        """Return the node in whose block the statement stands that a node belongs to."""
        parents = self._structure.parents
        while not isinstance(node, ast.stmt) and id(node) in parents:
            node = parents[id(node)]
        return parents.get(id(node), node)

    def constant(self, node: ast.expr) -> object:
        """Return the literal that a value is, where all it may come from agree; else UNKNOWN."""
        found = [_literal(origin) for origin in self.origins(node)]
        if not found or any(one is UNKNOWN for one in found):
            return UNKNOWN
        same = all(type(one) is type(found[0]) and one == found[0] for one in found)
        return found[0] if same else UNKNOWN


def _targets(node: ast.AST) -> set[str]:
    """Return the names that a comprehension binds."""
    return {
        target.id
        for generator in getattr(node, "generators", ())
        for target in ast.walk(generator.target)
        if isinstance(target, ast.Name)
    }


def _branches(node: ast.expr) -> list[ast.expr] | None:
    """Return the expressions one of which an expression is; None where it stands for itself."""
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.NamedExpr | ast.Await | ast.Starred):
        return [node.value]
    return None


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN
