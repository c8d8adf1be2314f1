"""Which objects values are, and so which functions of a file its calls run."""

import ast
from functools import cached_property
from typing import TYPE_CHECKING

from wolfsbane.audit.source.calls import Call
from wolfsbane.audit.source.structure import Class, Function

if TYPE_CHECKING:
    from wolfsbane.audit.source.values import Values

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


class Objects:
    """What makes the objects of a program, and who calls what.

    Args:
        values: the flow of its values, which asks here for what callers give to parameters.
    """

    def __init__(self, values: "Values") -> None:
        self._values = values
        self._structure = values.structure
        self._names = values.names
        self._scopes = values.scopes
        self._find_call = values.find_call
        self._memory = values.memory
        self._callers: dict[tuple[int, int], list[Call]] = {}
        self._named_calls: dict[tuple[int, str], dict[int, list[Call]]] = {}
        self._instances: dict[int, dict[int, list[Call]]] = {}

    def makers(self, node: ast.expr) -> list[ast.Call]:
        """Return the calls that made a value, seen through `.to(device)`, wrappers and copies."""
        found: list[ast.Call] = []
        waiting, seen = [node], set[int]()
        while waiting:
            for origin in self._values.origins(waiting.pop()):
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

    def owners(self, node: ast.expr) -> list[Class]:
        """Return the classes of this file of which a value is an instance: `self`, `Net()`."""
        key = ("owners", self._values.key(node))
        return self._memory.recall(key, lambda: self._find_owners(node))

    def _find_owners(self, node: ast.expr) -> list[Class]:
        if isinstance(node, ast.Name):
            function = self._scopes.function_of(node)
            owner = self._scopes.owner_of_self(node.id, function)
            if owner is not None:
                return [owner]
            if self._is_defined_as_other(node, function):
                return []
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "super"
        ):
            owner = self._scopes.class_of(self._scopes.function_of(node))
            return [] if owner is None else self._scopes.lineage(owner)[1:]
        made = (
            self._names.local(one.func, self._find_call(one).function) for one in self.makers(node)
        )
        return list({id(one): one for one in made if isinstance(one, Class)}.values())

    def callees(self, call: Call) -> list[Function]:
        """Return the functions of this file that a call may run."""
        named = self._named(call)
        if named:
            return named
        found = []
        for owner in self.owners(call.node.func):
            forward = self._scopes.method(owner, "forward") or self._scopes.method(
                owner, "__call__"
            )
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
            made = self._scopes.method(local, "__init__")
            return [] if made is None else [made]
        if isinstance(called, ast.Attribute):
            methods = [
                self._scopes.method(owner, called.attr) for owner in self.owners(called.value)
            ]
            return [method for method in methods if method is not None]
        return []

    def callers(self, function: Function) -> list[Call]:
        """Return the calls in this file that run a function.

        Who calls depends on what values are, and that on who calls: so it is asked one level of
        knowledge below, and there once more; at the lowest, nothing is known.
        """
        self._memory.ask()
        if self._memory.level == 0:
            return []
        key = (self._memory.level, id(function))
        if key not in self._callers:
            with self._memory.below():
                self._callers[key] = [*self._by_name(function), *self._by_instance(function)]
        return self._callers[key]

    def _by_name(self, function: Function) -> list[Call]:
        """Return calls of a function, a method, or a class's __init__, by their names."""
        owners = self._made_by.get(id(function), ())
        names = dict.fromkeys([*(owner.name for owner in owners), function.name])
        return [call for name in names for call in self._run_by(name).get(id(function), ())]

    def _run_by(self, name: str) -> dict[int, list[Call]]:
        """Return the calls of a name, by the functions that they run."""
        key = (self._memory.level, name)
        if key not in self._named_calls:
            found = self._named_calls[key] = {}
            for call in self._calls_by_last_name.get(name, ()):
                for callee in {id(one) for one in self._named(call)}:
                    found.setdefault(callee, []).append(call)
        return self._named_calls[key]

    def _by_instance(self, function: Function) -> list[Call]:
        """Return calls of instances: `model(x)` runs the forward of a class of this file."""
        if function.owner is None or function.name not in ("forward", "__call__"):
            return []
        level = self._memory.level
        if level not in self._instances:
            self._instances[level] = self._find_instances()
        return self._instances[level].get(id(function), [])

    def _find_instances(self) -> dict[int, list[Call]]:
        forwards = {
            id(one): forward
            for one in self._structure.classes
            if (
                forward := self._scopes.method(one, "forward")
                or self._scopes.method(one, "__call__")
            )
            is not None
        }
        found: dict[int, list[Call]] = {}
        for node, function in self._structure.calls if forwards else ():
            called = node.func
            if isinstance(called, ast.Name) and self._is_defined_as_other(called, function):
                continue
            if isinstance(called, ast.Attribute) and called.attr not in self._scopes.attributes:
                continue  # A method, and so no instance that is kept in an attribute.
            if self._find_call(node).name is not None:
                continue  # Something imported is no instance of a class in this file.
            for owner in self.owners(called):
                if id(owner) in forwards:
                    found.setdefault(id(forwards[id(owner)]), []).append(self._find_call(node))
        return found

    @cached_property
    def _calls_by_last_name(self) -> dict[str, list[Call]]:
        found: dict[str, list[Call]] = {}
        for node, _ in self._structure.calls:
            call = self._find_call(node)
            if call.attribute is not None:
                found.setdefault(call.attribute, []).append(call)
        return found

    @cached_property
    def _made_by(self) -> dict[int, list[Class]]:
        """By an __init__'s id, the classes whose objects it makes."""
        found: dict[int, list[Class]] = {}
        for one in self._structure.classes:
            made = self._scopes.method(one, "__init__")
            if made is not None:
                found.setdefault(id(made), []).append(one)
        return found

    def _is_defined_as_other(self, node: ast.Name, function: Function) -> bool:
        bindings, scope = self._names.bindings(node.id, function)
        return scope is None or all(one.how in ("import", "function", "class") for one in bindings)
