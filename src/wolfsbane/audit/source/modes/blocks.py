"""Statements with an end that is always run: `with` and `try`."""

import ast
from collections.abc import Callable, Sequence

from wolfsbane.audit.source.modes import vocabulary as words
from wolfsbane.audit.source.modes.arguments import Arguments
from wolfsbane.audit.source.modes.calls import Calls
from wolfsbane.audit.source.modes.values import Reference, State, Value, join
from wolfsbane.audit.source.structure import Function


class Blocks(Calls):
    """The part of a walk that goes through `with` and `try`."""

    def block(self, statements: Sequence[ast.stmt]) -> None:
        """Go through statements."""
        raise NotImplementedError

    def assign(self, target: ast.expr, value: Value) -> None:
        """Give a name, an attribute, or several of them a value."""
        raise NotImplementedError

    def on_with(self, node: ast.With | ast.AsyncWith) -> None:
        self._enter_items(node, 0)

    def _enter_items(self, node: ast.With | ast.AsyncWith, index: int) -> None:
        if index == len(node.items):
            self.block(node.body)
            return
        item, grad = node.items[index].context_expr, self.grad

        def inside() -> None:
            self._enter_items(node, index + 1)

        name = self.program.source.name_of(item.func) if isinstance(item, ast.Call) else None
        if name in words.NO_GRAD or name in words.GRAD:
            self.grad = name in words.GRAD
            inside()
        elif name in words.SET_GRAD and isinstance(item, ast.Call):
            self.grad = self.truth(item.args[0]) if item.args else None
            inside()
        elif isinstance(item, ast.Call) and self._is_managed(item, inside):
            pass
        else:
            value = self.value(item)
            if node.items[index].optional_vars is not None:
                self.assign(node.items[index].optional_vars, None)  # type: ignore[arg-type]
            self._enter_object(item, value, inside)
        self.grad = grad

    def _is_managed(self, item: ast.Call, inside: Callable[[], None]) -> bool:
        """Go through a context manager of this file that is a generator, if it is one."""
        function, instance = self.callee_of(item)
        if function is None or not self.program.is_manager(function):
            return False
        if self.state is None or any(one.function is function for one in self.frames):
            return False
        frame = self.frame_for(function, Arguments.of(self, item), instance)
        outer = self.frames

        def on_yield() -> None:
            inner, self.frames = self.frames, outer
            inside()
            self.frames = inner

        frame.on_yield = on_yield
        self.frames = [*outer]
        self.go_through(frame)
        self.frames = outer
        return True

    def callee_of(self, node: ast.Call) -> tuple[Function | None, Value]:
        """Return the function of this file that a call enters, and on which object."""
        called = node.func
        if isinstance(called, ast.Name):
            return self.program.functions.get(called.id), None
        if isinstance(called, ast.Attribute):
            held = self.value(called.value)
            owner = self.class_of(held.path) if isinstance(held, Reference) else None
            if owner is not None:
                return self.program.method(owner, called.attr), held
        return None, None

    def _enter_object(self, item: ast.expr, value: Value, inside: Callable[[], None]) -> None:
        """Go through a context manager of this file that is an object."""
        owner = self.class_of(value.path) if isinstance(value, Reference) else None
        if owner is None or not isinstance(value, Reference) or not isinstance(item, ast.Call):
            inside()
            return
        begin, end = (self.program.method(owner, name) for name in ("__enter__", "__exit__"))
        given, instance = Arguments(item, (), {}), Reference(value.path)
        if begin is not None:
            self.enter(begin, given, instance)
        self._cleanly(inside, lambda: self.enter(end, given, instance) if end is not None else None)

    def on_try(self, node: ast.Try) -> None:
        def protected() -> None:
            before = self.state.copy() if self.state is not None else State()
            self.block(node.body)
            raised = join([before, *([self.state] if self.state else [])])
            ends = []
            if self.state is not None:
                self.block(node.orelse)
                ends += [self.state] if self.state else []
            for handler in node.handlers:
                self.state = raised.copy() if raised is not None else None
                self.block(handler.body)
                ends += [self.state] if self.state else []
            self.state = join(ends)

        if node.finalbody:
            self._cleanly(protected, lambda: self.block(node.finalbody))
        else:
            protected()

    def _cleanly(self, body: Callable[[], None], cleanup: Callable[[], object]) -> None:
        """Go through a body, and then through what runs however it is left."""
        exits = [
            (states, len(states))
            for frame in self.frames
            for loop in frame.loops
            for states in (loop.breaks, loop.continues)
        ]
        returns = [(frame.returns, len(frame.returns)) for frame in self.frames]
        body()
        after = self.state
        for states, known in exits:
            for index in range(known, len(states)):
                self.state = states[index].copy()
                cleanup()
                states[index] = self.state or states[index]
        for returned, known in returns:
            for index in range(known, len(returned)):
                self.state = returned[index][0].copy()
                cleanup()
                returned[index] = (self.state or returned[index][0], returned[index][1])
        self.state = after
        if after is not None:
            cleanup()
