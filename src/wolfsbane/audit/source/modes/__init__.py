"""In which mode a program's models are when they are trained and evaluated.

A walk over the program in the order in which it would run, with calls followed within the file: the
module's body first, then the functions that nothing in the file calls.
"""

import ast
import contextlib
import functools
import re

from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.modes.expressions import TooMuch
from wolfsbane.audit.source.modes.program import Frame, Program
from wolfsbane.audit.source.modes.reach import Reach
from wolfsbane.audit.source.modes.record import Evaluated, Record, Trained
from wolfsbane.audit.source.modes.statements import Walk
from wolfsbane.audit.source.modes.values import Mode, Reference, Setting, State
from wolfsbane.audit.source.structure import Class, Function

__all__ = ["Evaluated", "Mode", "Record", "Setting", "Trained", "modes_of"]

MOST = 30_000
"""Expressions that are visited in one file: about half a second's work, and more than most need."""

TRAINS = "backward("
EVALUATES = ".eval("
NO_GRAD = ("no_grad", "inference_mode", "set_grad_enabled")
SETS_UP = re.compile(
    r"\.(train|load_state_dict)\((?<!super\(\)\.train\()(?<!self\)\.train\()"
    r"(?<!super\(\)\.load_state_dict\()(?![\w.]*\.training\))"
)
"""What programs do that set models up.

`super().train(mode)` and `self.head.train(self.training)` stand in files that define models.
"""


@functools.lru_cache(maxsize=1)
def modes_of(source: Source) -> Record:
    """Return what a program does with its models, and in which modes."""
    return _Roots(source).walked() if _is_about_modes(source.text) else Record()


def _is_about_modes(text: str) -> bool:
    """Whether words occur without which a walk finds nothing; searching for them is quick."""
    trains = TRAINS in text
    if trains and EVALUATES in text:
        return True
    has_no_grad = any(word in text for word in NO_GRAD)
    return has_no_grad and (trains or SETS_UP.search(text) is not None)


class _Roots:
    """The functions from which walks begin."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.program = Program(source)
        self.walk = Walk(self.program, MOST)
        self.body = Frame(source.functions[0], "")
        self.reach = Reach(self.program)
        self.begun: dict[int, State] = {}
        self.never_evaluates = EVALUATES not in source.text

    def walked(self) -> Record:
        if self.reach:
            with contextlib.suppress(TooMuch):  # What has been seen so far stands.
                self._walk_all()
        return self.walk.record

    def _walk_all(self) -> None:
        self._go(self.body, State())
        called = {call.attribute for call in self.source.calls}
        roots = [one for one in self.source.functions if self._may_be_root(one)]
        for function in sorted(roots, key=lambda one: one.name in called):
            if id(function) not in self.walk.entered:
                self._walk_from(function)

    def _may_be_root(self, function: Function) -> bool:
        is_top = function.parent is self.body.function and function.name != "__init__"
        is_named = isinstance(function.node, ast.FunctionDef | ast.AsyncFunctionDef)
        return is_top and is_named and function in self.reach

    def _walk_from(self, function: Function) -> None:
        key = f"/{function.name}"
        state = State()
        if function.owner is not None and not function.is_static:
            state = self._begun(function.owner).copy()
            parameters = function.parameters
            if parameters:
                path = f"{key}.{parameters[0].arg}"
                state.values[path] = Reference(f"/{function.owner.name}")
        self._go(Frame(function, key), state)

    def _begun(self, owner: Class) -> State:
        """Return what holds when an object of a class has just been made, by a caller elsewhere."""
        if id(owner) not in self.begun:
            path = f"/{owner.name}"
            self.walk.record.made[path] = [owner]
            state = State()
            begin = self.program.method(owner, "__init__")
            if begin is not None and begin.parameters:
                state.values[f"/{owner.name}.__init__.{begin.parameters[0].arg}"] = Reference(path)
                state = self._go(Frame(begin, f"/{owner.name}.__init__"), state) or State()
            if not self.never_evaluates:
                state.modes = {}
            self.begun[id(owner)] = State(state.values, state.modes)
        return self.begun[id(owner)]

    def _go(self, frame: Frame, state: State) -> State | None:
        self.walk.state, self.walk.grad = state, True
        self.walk.frames = [self.body] if frame is not self.body else []
        self.walk.go_through(frame)
        return self.walk.state
