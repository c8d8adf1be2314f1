"""What happens to models: they are called, trained, put into a mode, given to the unknown."""

import ast
from collections.abc import Iterator

from wolfsbane.audit.source.modes import vocabulary as words
from wolfsbane.audit.source.modes.arguments import Arguments
from wolfsbane.audit.source.modes.expressions import Expressions
from wolfsbane.audit.source.modes.program import Loop
from wolfsbane.audit.source.modes.record import Evaluated, Trained
from wolfsbane.audit.source.modes.values import (
    UNKNOWN,
    Constant,
    Mode,
    Pending,
    Reference,
    SavedMode,
    Setting,
    Settings,
    Value,
    are_related,
    is_part,
)


class Models(Expressions):
    """The part of a walk that keeps account of models."""

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
            called = Pending(path, node, self.frame.function, settings, self.names_of_tests())
            self.state.pending |= {called}

    def _words(self) -> Iterator[str]:
        """Yield names of the functions that led here, and texts that names in them hold."""
        assert self.state is not None
        for frame in self.frames[1:]:
            yield frame.function.name
            for path, value in self.state.values.items():
                is_own = path.rpartition(".")[0] == frame.key
                if is_own and isinstance(value, Constant) and isinstance(value.value, str):
                    yield value.value

    def names_of_tests(self) -> frozenset[str]:
        """Return the names in all the tests under which the walk stands."""
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

    def step(self, owners: frozenset[str]) -> None:
        """An optimizer of these objects makes a step."""
        assert self.state is not None
        if not self.state.has_gradients:
            return
        for loop in (loop for frame in self.frames for loop in frame.loops):
            loop.trains = True
        names, kept = self.names_of_tests(), set[Pending]()
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

    def doubt_given(self, name: str, given: Arguments) -> None:
        """A function that is not in this file may set the mode of what it is given."""
        last = name.rpartition(".")[2]
        if name.startswith(("torch.", "numpy.")) or words.HARMLESS.search(last):
            return
        for value in given.all_values():
            if isinstance(value, Reference):
                self.doubt(value.path)

    def doubt(self, path: str) -> None:
        """Something unknown may have set the mode of an object, or of what its attributes hold."""
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

    def put_into_mode(self, held: Reference, name: str, given: Arguments) -> Value:
        """`train()` or `eval()` is called on a model, which it returns."""
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


def _place(called: Pending) -> tuple[int, int, str]:
    """Return what calls are sorted by: sets have no order of their own."""
    return called.node.lineno, called.node.col_offset, called.path
