"""What calls do to models: set their mode, run them, train them; calls within the file are followed."""

import ast
from collections.abc import Iterator
from dataclasses import replace

from wolfsbane.audit.source.modes import vocabulary as words
from wolfsbane.audit.source.modes.arguments import Arguments
from wolfsbane.audit.source.modes.expressions import Expressions, owners_in
from wolfsbane.audit.source.modes.program import Frame, Loop, has_yield
from wolfsbane.audit.source.modes.record import Evaluated, Trained
from wolfsbane.audit.source.modes.values import (
    NEW,
    UNKNOWN,
    Constant,
    Mode,
    New,
    Optimizer,
    Parameters,
    Pending,
    Reference,
    SavedMode,
    Setting,
    Settings,
    Several,
    Value,
    are_related,
    is_part,
)
from wolfsbane.audit.source.structure import Class, Function
from wolfsbane.audit.vocabulary import kind_of_class

DEEPEST = 8
"""Calls within calls that are followed."""


class Calls(Expressions):
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
        if self.state is None:
            return None
        if name in self.program.functions and isinstance(called, ast.Name):
            return self.enter(self.program.functions[name], given)
        if name in self.program.classes:
            return self._make(self.program.classes[name], given)
        if isinstance(called, ast.Attribute) and (name is None or isinstance(held, Reference)):
            known = self._on_known_name(name, given) if name is not None else None
            return known or self._on_method(held, called.attr, given)
        if name is not None:
            return self._on_known_name(name, given) or self._on_unknown(name, given)
        if isinstance(held, Reference):
            self.forward(held.path, node)
            self._doubt_given(_last_name(called), given)
        return None

    def enter(
        self, function: Function, given: Arguments, instance: Value = None
    ) -> Value:
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

    def forward(self, path: str, node: ast.Call, *, is_method: bool = False) -> None:
        """A model is called."""
        assert self.state is not None
        settings = self.state.settings_of(path)
        if self.grad is False:
            self.record.evaluated.append(
                Evaluated(
                    path,
                    node,
                    self.frame.function,
                    settings,
                    tuple(self._words()),
                    tuple(loop.node for loop in self.frame.loops),
                    is_method,
                    self._repeating(node),
                )
            )
        else:
            called = Pending(path, node, self.frame.function, settings, self._names_of_tests())
            self.state.pending |= {called}

    def _words(self) -> Iterator[str]:
        assert self.state is not None
        for frame in self.frames[1:]:
            yield frame.function.name
            for path, value in self.state.values.items():
                is_own = path.rpartition(".")[0] == frame.key
                if is_own and isinstance(value, Constant) and isinstance(value.value, str):
                    yield value.value

    def _names_of_tests(self) -> frozenset[str]:
        return frozenset().union(*(frame.names_of_tests for frame in self.frames))

    def _repeating(self, node: ast.Call) -> Loop | None:
        """Return the nearest loop around a call, or its callers, if it repeats it as it is."""
        for frame in reversed(self.frames):
            if frame.loops:
                loop, given = frame.loops[-1], [*node.args, *(one.value for one in node.keywords)]
                parts = (part for one in given for part in ast.walk(one))
                read = {part.id for part in parts if isinstance(part, ast.Name)}
                return loop if given and not read & loop.varying else None
            if frame.call is None:
                return None
            node = frame.call
        return None

    def _step(self, owners: frozenset[str]) -> None:
        """An optimizer of these objects makes a step."""
        assert self.state is not None
        if not self.state.has_gradients:
            return
        for loop in (loop for frame in self.frames for loop in frame.loops):
            loop.trains = True
        names, kept = self._names_of_tests(), set[Pending]()
        for one in sorted(self.state.pending, key=_place):
            is_owned = any(are_related(one.path, owner) for owner in owners)
            if owners and not is_owned:
                kept.add(one)
                continue
            self.record.trained.append(
                Trained(one.path, one.node, one.function, one.settings, one.names | names, is_owned)
            )
        self.state.pending = frozenset(kept)
        self.state.has_gradients = bool(kept)

    def _on_super(self, name: str, given: Arguments) -> Value:
        first = self.frame.function.parameters[:1]
        held = self.value(ast.Name(first[0].arg, ast.Load())) if first else None
        if isinstance(held, Reference) and self.state is not None:
            if name in ("train", "eval"):
                self._set_mode(held, name, given)
            elif name != "__init__":
                self._doubt(held.path)
        return None

    def _on_method(self, held: Value, name: str, given: Arguments) -> Value:
        assert self.state is not None
        if name in ("backward", "manual_backward", "optimizer_step", "step"):
            self._on_training(held, name, given)
            return None
        if isinstance(held, Parameters):
            return held
        if not isinstance(held, Reference):
            return self._on_unknown(name, given)
        owner = self._class_of(held.path)
        method = None if owner is None else self.program.method(owner, name)
        if method is not None and name not in ("forward", "__call__"):
            return self.enter(method, given, None if method.is_static else held)
        if name in ("train", "eval") and given.is_mode(name):
            if owner is not None and not self.program.is_module(owner):
                self.state.doubt_all()
                return None
            return self._set_mode(held, name, given)
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
            path in self.state.modes or path in self.state.values or path in self.record.made
            or (owner is not None and self.program.has_attribute(owner, name))
        )
        called = target.path if isinstance(target, Reference) else path
        self.forward(called, given.node, is_method=is_method)
        self._doubt_given(name, given)
        is_inherited = owner is not None and not self.program.has_attribute(owner, name)
        if is_inherited and not words.HARMLESS.search(name) and held.path != path:
            if owner is not None and not self.program.has_known_bases(owner):
                self.state.doubt_all()
        return None

    def _on_training(self, held: Value, name: str, given: Arguments) -> None:
        """`loss.backward()`, `optimizer.step()`, and their relatives."""
        assert self.state is not None
        if name in ("backward", "manual_backward"):
            names = self._names_of_tests()
            self.state.pending = frozenset(
                replace(one, names=one.names | names) for one in self.state.pending
            )
            self.state.has_gradients = True
            return
        for closure in given.closures(self.program):
            self.enter(closure, replace(given, positional=(), keywords={}))
        called = given.node.func
        receiver = _last_name(called.value) if isinstance(called, ast.Attribute) else ""
        shown = _last_name(given.node.args[0]) if given.node.args else ""
        for value, text in ((held, receiver), (given.first, shown)):
            if isinstance(value, Optimizer):
                self._step(value.owners)
                return
            if words.OPTIMIZER.search(text) and not words.SCHEDULER.search(text):
                self._step(frozenset())
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
        self._doubt_given(name, given)
        owners = given.owners()
        return Parameters(owners) if owners else None

    def _doubt_given(self, name: str, given: Arguments) -> None:
        """A function that is not in this file may set the mode of what it is given."""
        last = name.rpartition(".")[2]
        if name.startswith(("torch.", "numpy.")) or words.HARMLESS.search(last):
            return
        for value in given.all_values():
            if isinstance(value, Reference):
                self._doubt(value.path)

    def _doubt(self, path: str) -> None:
        assert self.state is not None
        behind = [
            value.path
            for name, value in self.state.values.items()
            if isinstance(value, Reference) and is_part(name, path)
        ]
        for known in [known for known in self.state.modes if are_related(known, path)]:
            self.state.modes[known] = UNKNOWN
        for other in behind:
            for known in [known for known in self.state.modes if is_part(known, other)]:
                self.state.modes[known] = UNKNOWN

    def _set_mode(self, held: Reference, name: str, given: Arguments) -> Value:
        assert self.state is not None
        settings = self._settings_for(name, given)
        if settings is None:
            self.state.doubt_all()
            return held
        self.state.set_mode(held.path, settings)
        return held

    def _settings_for(self, name: str, given: Arguments) -> Settings | None:
        """Return what a call of train() or eval() sets; None where that cannot be known."""
        if name == "eval":
            return frozenset({Setting(Mode.EVALUATION, given.node)})
        value = given.keywords.get("mode", given.first if given.has_any else Constant(True))
        if isinstance(value, SavedMode):
            return value.settings
        if not isinstance(value, Constant):
            return None
        mode = Mode.TRAINING if value.value else Mode.EVALUATION
        return frozenset({Setting(mode, given.node)})

    def _make(self, made: Class, given: Arguments) -> Value:
        """Make an object of a class of this file."""
        found = self._new(given.node, NEW if self.program.is_module(made) else None)
        self.record.made[found.path] = [made]
        begin = self.program.method(made, "__init__")
        if begin is not None:
            self.enter(begin, given, Reference(found.path))
        else:
            self._doubt_given(made.name, given)
        return found if self.state is not None else None

    def _new(self, node: ast.Call, settings: Settings | None, like: str | None = None) -> New:
        assert self.state is not None
        path = f"{self.frame.key}.new@{node.lineno}:{node.col_offset}"
        self.state.forget(path)
        if settings is not None:
            self.state.modes[path] = settings
        self.record.made[path] = self.record.makers_of(like) if like is not None else []
        return New(path)

    def _class_of(self, path: str) -> Class | None:
        makers = self.record.makers_of(path)
        only = makers[0] if makers and all(maker is makers[0] for maker in makers) else None
        return only if isinstance(only, Class) else None


def _place(called: Pending) -> tuple[int, int, str]:
    """Return what calls are sorted by: sets have no order of their own."""
    return called.node.lineno, called.node.col_offset, called.path


def _is_super(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
    )


def _last_name(node: ast.expr) -> str:
    """Return the last name of a dotted expression, with what it is indexed by left out."""
    while isinstance(node, ast.Subscript | ast.Call):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
