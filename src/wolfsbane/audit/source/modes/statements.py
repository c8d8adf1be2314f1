"""A walk over a program's statements, in the order in which they run."""

import ast
from collections.abc import Callable, Sequence

from wolfsbane.audit.source.modes import vocabulary as words
from wolfsbane.audit.source.modes.arguments import Arguments
from wolfsbane.audit.source.modes.calls import Calls
from wolfsbane.audit.source.modes.expressions import owners_in
from wolfsbane.audit.source.modes.program import Loop, names_in, stored_in
from wolfsbane.audit.source.modes.values import (
    Constant,
    New,
    Parameters,
    Reference,
    Setting,
    Several,
    State,
    Value,
    is_part,
    join,
    moved,
)
from wolfsbane.audit.source.structure import Function

UNROLLED = 4
"""Literals in a loop's list up to which it is gone through literal by literal."""


class Walk(Calls):
    """A walk over a program: branches are joined, loops are gone through twice."""

    def run(self, function: Function) -> None:
        """Go through a function's body."""
        if isinstance(function.node, ast.Lambda):
            self.value(function.node.body)
        else:
            self.block(function.body)
        frame = self.frame
        if self.state is not None:
            frame.returns.append((self.state, None))
        self.state = join([state for state, _ in frame.returns])

    def block(self, statements: Sequence[ast.stmt]) -> None:
        """Go through statements; those behind an early exit depend on its test."""
        depth = len(self.frame.tests)
        for statement in statements:
            if self.state is None:
                break
            handler = self.STATEMENTS.get(statement.__class__)
            if handler is not None:
                handler(self, statement)
        del self.frame.tests[depth:]

    def on_expression(self, node: ast.Expr | ast.Assert) -> None:
        value = node.test if isinstance(node, ast.Assert) else node.value
        if isinstance(value, ast.Attribute) and value.attr in ("eval", "train"):
            # Parentheses were forgotten, which WB204 tells: what follows is taken as it was meant.
            value = ast.copy_location(ast.Call(value, [], []), value)
            ast.fix_missing_locations(value)
        self.value(value)

    def on_assign(self, node: ast.Assign | ast.AnnAssign) -> None:
        if node.value is None:
            return
        value = self.value(node.value)
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            self.assign(target, value)
            value = Reference(self._path_of(target)) if isinstance(value, New) else value

    def on_augmented(self, node: ast.AugAssign) -> None:
        owners = owners_in(self.value(node.value)) | owners_in(self.value(node.target))
        self.assign(node.target, Parameters(owners) if owners else None)

    def assign(self, target: ast.expr, value: Value) -> None:
        """Give a name, an attribute, or several of them a value."""
        if self.state is None:
            return
        if isinstance(target, ast.Tuple | ast.List):
            size = len(target.elts)
            fits = isinstance(value, Several) and len(value.elements) == size
            elements = value.elements if fits and isinstance(value, Several) else [None] * size
            for one, element in zip(target.elts, elements, strict=True):
                self.assign(one, element)
            return
        path = self._path_of(target)
        if path:
            if isinstance(value, New):
                self._rename_makers(value.path, path)
            self.state.write(path, value)

    def _path_of(self, target: ast.expr) -> str:
        if isinstance(target, ast.Name):
            return self.path_of(target.id)
        if isinstance(target, ast.Attribute | ast.Subscript):
            held = self.value(target.value)
            if isinstance(held, Reference):
                if isinstance(target, ast.Attribute):
                    return f"{held.path}.{target.attr}"
                index = self.value(target.slice)
                shown = index.value if isinstance(index, Constant) else ""
                return f"{held.path}.[{shown}]"
        return ""

    def _rename_makers(self, old: str, new: str) -> None:
        for path in [path for path in self.record.made if is_part(path, old)]:
            known = self.record.made.setdefault(moved(path, old, new), [])
            known += [maker for maker in self.record.made[path] if maker not in known]

    def on_if(self, node: ast.If) -> None:
        held = self.truth(node.test)
        if held is not None or self.state is None:
            self.block(node.body if held else node.orelse)
            return
        names, before, ends = names_in(node.test), self.state, []
        for branch in (node.body, node.orelse):
            self.state = before.copy()
            self.frame.tests.append(names)
            self.block(branch)
            self.frame.tests.pop()
            if self.state is not None:
                _depend(self.state, before, names)
                ends.append(self.state)
        self.state = join(ends)
        if len(ends) == 1:
            self.frame.tests.append(names)

    def on_loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        if isinstance(node, ast.While):
            self.truth(node.test)
            passes: list[Value] = [None, None]
            varying = stored_in(list(node.body))
        else:
            passes = self._passes(node)
            varying = stored_in([node.target, *node.body])
        loop = Loop(node, varying)
        ends: list[State] = []
        self.frame.loops.append(loop)
        for element in passes:
            if self.state is None:
                break
            if not isinstance(node, ast.While):
                self.assign(node.target, element)
            self.block(node.body)
            self.state = join([*([self.state] if self.state else []), *loop.continues])
            loop.continues.clear()
            ends += [self.state.copy()] if self.state else []
        self.frame.loops.pop()
        last = ends[-2:] if len(passes) == 2 else ends[-1:]  # noqa: PLR2004  # both passes
        self.state = join([*last, *loop.breaks])
        if self.state is not None:
            self.block(node.orelse)

    def _passes(self, node: ast.For | ast.AsyncFor) -> list[Value]:
        """Return what a loop's target is in each pass: each literal, or twice the unknown."""
        over = self.value(node.iter)
        if isinstance(over, Several) and 0 < len(over.elements) <= UNROLLED:
            if all(isinstance(element, Constant | Reference) for element in over.elements):
                return list(over.elements)
        called = node.iter.func if isinstance(node.iter, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in words.PARTS:
            held = self.value(called.value)
            if isinstance(held, Reference):
                part = Reference(f"{held.path}.<part>")
                is_named = called.attr.startswith("named_")
                return [Several((None, part)) if is_named else part] * 2
        return [None, None]

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
            owner = self._class_of(held.path) if isinstance(held, Reference) else None
            if owner is not None:
                return self.program.method(owner, called.attr), held
        return None, None

    def _enter_object(self, item: ast.expr, value: Value, inside: Callable[[], None]) -> None:
        """Go through a context manager of this file that is an object."""
        owner = self._class_of(value.path) if isinstance(value, Reference) else None
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

    def on_return(self, node: ast.Return) -> None:
        value = self.value(node.value)
        if self.state is not None:
            self.frame.returns.append((self.state, value))
        self.state = None

    def on_raise(self, node: ast.Raise) -> None:
        self.value(node.exc)
        self.state = None

    def on_break(self, _node: ast.Break) -> None:
        if self.frame.loops and self.state is not None:
            self.frame.loops[-1].breaks.append(self.state)
        self.state = None

    def on_continue(self, _node: ast.Continue) -> None:
        if self.frame.loops and self.state is not None:
            self.frame.loops[-1].continues.append(self.state)
        self.state = None

    def on_match(self, node: ast.Match) -> None:
        self.value(node.subject)
        if self.state is None:
            return
        names, before, ends = names_in(node.subject), self.state, [self.state.copy()]
        for case in node.cases:
            self.state = before.copy()
            self.block(case.body)
            if self.state is not None:
                _depend(self.state, before, names)
                ends.append(self.state)
        self.state = join(ends)

    STATEMENTS = {  # noqa: RUF012  # a table
        ast.Expr: on_expression,
        ast.Assert: on_expression,
        ast.Assign: on_assign,
        ast.AnnAssign: on_assign,
        ast.AugAssign: on_augmented,
        ast.If: on_if,
        ast.For: on_loop,
        ast.AsyncFor: on_loop,
        ast.While: on_loop,
        ast.With: on_with,
        ast.AsyncWith: on_with,
        ast.Try: on_try,
        ast.Return: on_return,
        ast.Raise: on_raise,
        ast.Break: on_break,
        ast.Continue: on_continue,
        ast.Match: on_match,
    }


def _depend(state: State, before: State, names: frozenset[str]) -> None:
    """Let the modes that a branch has set depend on its test."""
    for path, settings in state.modes.items():
        if before.modes.get(path) != settings:
            old = before.settings_of(path)
            state.modes[path] = frozenset(
                one if one in old else Setting(one.mode, one.node, one.names | names)
                for one in settings
            )
