"""What calls do, and what they return; calls of functions in the file are followed."""

import ast
from dataclasses import replace

from wolfsbane.audit.source.modes import vocabulary as words
from wolfsbane.audit.source.modes.arguments import Arguments
from wolfsbane.audit.source.modes.models import Models
from wolfsbane.audit.source.modes.program import Frame, has_yield
from wolfsbane.audit.source.modes.values import (
    NEW,
    Constant,
    New,
    Optimizer,
    Parameters,
    Reference,
    Settings,
    Several,
    Value,
)
from wolfsbane.audit.source.structure import Class, Function
from wolfsbane.audit.spellings import kind_of_class

DEEPEST = 8
"""Calls within calls that are followed."""


class Calls(Models):
    """The part of a walk that follows calls."""

    def run(self, function: Function) -> None:
        """Go through a function's body."""
        raise NotImplementedError

    def call(self, node: ast.Call) -> Value:
        """Do what a call does, and return what it returns."""
        called, name = node.func, self.program.source.name_of(node.func)
        if isinstance(called, ast.Attribute) and _is_super(called.value):
            return self._on_super(called.attr, Arguments.of(self, node))
        held = self.value(called.value if isinstance(called, ast.Attribute) else called)
        given = Arguments.of(self, node)
        return None if self.state is None else self._on_call(held, name, given)

    def _on_call(self, held: Value, name: str | None, given: Arguments) -> Value:
        called = given.node.func
        if name in self.program.functions and isinstance(called, ast.Name):
            return self.enter(self.program.functions[name], given)
        if name in self.program.classes:
            return self._make(self.program.classes[name], given)
        known = self._on_known_name(name, given) if name is not None else None
        if isinstance(called, ast.Attribute) and (name is None or isinstance(held, Reference)):
            return known or self._on_method(held, called.attr, given)
        if name is None and isinstance(held, Reference):
            self.forward(held.path, given.node)
            self.doubt_given(last_name(called), given)
        return known or (None if name is None else self._on_unknown(name, given))

    def enter(self, function: Function, given: Arguments, instance: Value = None) -> Value:
        """Go through a function of this file, as it is called."""
        if len(self.frames) > DEEPEST or any(one.function is function for one in self.frames):
            return None
        if has_yield(function):
            return None
        frame = self.frame_for(function, given, instance)
        return self.go_through(frame)

    def frame_for(self, function: Function, given: Arguments, instance: Value = None) -> Frame:
        """Bind a function's parameters to what it is given."""
        assert self.state is not None
        node = given.node
        key = f"{self.frame.key}/{function.name}@{node.lineno}:{node.col_offset}"
        for name, value in given.bound_to(function, instance).items():
            path = f"{key}.{name}"
            self.state.forget(path)
            self.state.write(path, Reference(value.path) if isinstance(value, New) else value)
        return Frame(function, key, node)

    def go_through(self, frame: Frame) -> Value:
        """Go through a function whose parameters are bound; return what it returns."""
        grad = self.grad
        if any(name in words.NO_GRAD for name in self.program.decorators(frame.function)):
            self.grad = False
        self.frames.append(frame)
        self.entered.add(id(frame.function))
        self.run(frame.function)
        self.frames.pop()
        self.grad = grad
        returned = [value for _, value in frame.returns]
        first = returned[0] if returned else None
        return first if all(value == first for value in returned) else None

    def _on_super(self, name: str, given: Arguments) -> Value:
        first = self.frame.function.parameters[:1]
        held = self.value(ast.Name(first[0].arg, ast.Load())) if first else None
        if isinstance(held, Reference) and self.state is not None:
            if name in ("train", "eval"):
                self.put_into_mode(held, name, given)
            elif name != "__init__":
                self.doubt(held.path)
        return None

    def _on_method(self, held: Value, name: str, given: Arguments) -> Value:
        assert self.state is not None
        if name in ("backward", "manual_backward", "optimizer_step", "step"):
            self._on_training(held, name, given)
            return None
        if not isinstance(held, Reference):
            return held if isinstance(held, Parameters) else self._on_unknown(name, given)
        owner = self.class_of(held.path)
        method = None if owner is None else self.program.method(owner, name)
        if method is not None and name not in ("forward", "__call__"):
            return self.enter(method, given, None if method.is_static else held)
        if name in ("train", "eval") and given.is_mode(name):
            if owner is not None and not self.program.is_module(owner):
                self.state.doubt_all()
                return None
            return self.put_into_mode(held, name, given)
        return self._on_plain_method(held, owner, name, given)

    def _on_plain_method(
        self, held: Reference, owner: Class | None, name: str, given: Arguments
    ) -> Value:
        assert self.state is not None
        if name in words.PARAMETERS:
            return Parameters(frozenset({held.path}))
        if name in words.SAME_MODEL:
            is_launcher = name.startswith("unwrap") or name == "compile"
            return given.first if is_launcher and given.first is not None else held
        if name in words.PREPARERS and given.positional:
            known = tuple(given.positional)
            return known[0] if len(known) == 1 else Several(known)
        if name in words.ABOUT_A_MODEL:
            return Parameters(owners) if (owners := given.owners()) else None
        path = held.path if name in ("forward", "__call__") else f"{held.path}.{name}"
        target = self.state.read(path)
        is_method = path != held.path and not (
            path in self.state.modes
            or path in self.state.values
            or path in self.record.made
            or (owner is not None and self.program.has_attribute(owner, name))
        )
        called = target.path if isinstance(target, Reference) else path
        self.forward(called, given.node, is_method=is_method)
        self.doubt_given(name, given)
        if path != held.path and not words.HARMLESS.search(name) and self._may_inherit(owner, name):
            self.state.doubt_all()
        return None

    def _may_inherit(self, owner: Class | None, name: str) -> bool:
        """Whether a class may have a method of this name from a base that is not in this file."""
        if owner is None or self.program.has_attribute(owner, name):
            return False
        return not self.program.has_known_bases(owner)

    def _on_training(self, held: Value, name: str, given: Arguments) -> None:
        """`loss.backward()`, `optimizer.step()`, and their relatives."""
        assert self.state is not None
        if name in ("backward", "manual_backward"):
            names = self.names_of_tests()
            self.state.pending = frozenset(
                replace(one, names=one.names | names) for one in self.state.pending
            )
            self.state.has_gradients = True
            return
        for closure in given.closures(self.program):
            self.enter(closure, replace(given, positional=(), keywords={}))
        called = given.node.func
        receiver = last_name(called.value) if isinstance(called, ast.Attribute) else ""
        shown = last_name(given.node.args[0]) if given.node.args else ""
        for value, text in ((held, receiver), (given.first, shown)):
            if isinstance(value, Optimizer):
                self.step(value.owners)
                return
            if words.OPTIMIZER.search(text) and not words.SCHEDULER.search(text):
                self.step(frozenset())
                return

    def _on_known_name(self, name: str, given: Arguments) -> Value:
        """Do what a function of a library does; None where it is not known."""
        assert self.state is not None
        last = name.rpartition(".")[2]
        is_optimizer = name.startswith("torch.optim.") and "lr_scheduler" not in name
        if is_optimizer or (last in words.OPTIMIZERS and "." in name):
            return Optimizer(given.owners())
        if last in words.WRAPPERS and given.first is not None and "." in name:
            return given.first
        if name in ("copy.deepcopy", "copy.copy") and isinstance(given.first, Reference):
            return self._new(given.node, self.state.settings_of(given.first.path), given.first.path)
        if kind_of_class(name) or words.READY_MADE.match(name):
            found = self._new(given.node, NEW)
            self.record.made[found.path] = [self.program.calls[id(given.node)]]
            return found
        if name in words.SET_GRAD and isinstance(given.first, Constant):
            self.grad = bool(given.first.value)
        return None

    def _on_unknown(self, name: str, given: Arguments) -> Value:
        self.doubt_given(name, given)
        owners = given.owners()
        return Parameters(owners) if owners else None

    def _make(self, made: Class, given: Arguments) -> Value:
        """Make an object of a class of this file."""
        found = self._new(given.node, NEW if self.program.is_module(made) else None)
        self.record.made[found.path] = [made]
        begin = self.program.method(made, "__init__")
        if begin is not None:
            self.enter(begin, given, Reference(found.path))
        else:
            self.doubt_given(made.name, given)
        return found if self.state is not None else None

    def _new(self, node: ast.Call, settings: Settings | None, like: str | None = None) -> New:
        assert self.state is not None
        path = f"{self.frame.key}.new@{node.lineno}:{node.col_offset}"
        self.state.forget(path)
        if settings is not None:
            self.state.modes[path] = settings
        self.record.made[path] = self.record.makers_of(like) if like is not None else []
        return New(path)

    def class_of(self, path: str) -> Class | None:
        """Return the class of this file that an object has."""
        makers = self.record.makers_of(path)
        only = makers[0] if makers and all(maker is makers[0] for maker in makers) else None
        return only if isinstance(only, Class) else None


def _is_super(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
    )


def last_name(node: ast.expr) -> str:
    """Return the last name of a dotted expression, with what it is indexed by left out."""
    while isinstance(node, ast.Subscript | ast.Call):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
