"""From which functions a walk can come to where something is trained, or run without gradients."""

from collections.abc import Iterator

from wolfsbane.audit.source.modes import vocabulary as words
from wolfsbane.audit.source.modes.program import Program
from wolfsbane.audit.source.structure import Function

TRAINING = frozenset({"backward", "manual_backward"})
WITHOUT_GRADIENTS = words.NO_GRAD | words.SET_GRAD
ALWAYS = frozenset({"__enter__", "__exit__"})
"""Methods that run where nothing calls them by name."""


class Reach:
    """Which functions lead, by the names they call, to what a walk keeps a record of.

    Names are taken for more than they may mean: every method called `step` is led to by `x.step()`.

    Args:
        program: the program.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._leading = {id(one) for one in self._found()}
        self._is_everywhere = any(
            one.name in ALWAYS and id(one) in self._leading for one in program.source.functions
        )

    def __bool__(self) -> bool:
        """Whether any function leads there."""
        return bool(self._leading)

    def __contains__(self, function: Function) -> bool:
        """Whether a function, or the making of the object whose method it is, leads there."""
        if self._is_everywhere or id(function) in self._leading:
            return True
        begin = function.owner and self._program.method(function.owner, "__init__")
        return begin is not None and id(begin) in self._leading

    def _found(self) -> Iterator[Function]:
        callers = self._callers()
        waiting, seen = list(self._events()), set[int]()
        while waiting:
            function = waiting.pop()
            if id(function) in seen:
                continue
            seen.add(id(function))
            yield function
            for name in self._names_of(function):
                waiting += callers.get(name, ())

    def _events(self) -> Iterator[Function]:
        """Yield the functions in which it happens."""
        for call in self._program.source.calls:
            if call.attribute in TRAINING or call.name in WITHOUT_GRADIENTS:
                yield call.function
        for function in self._program.source.functions:
            if not WITHOUT_GRADIENTS.isdisjoint(self._program.decorators(function)):
                yield function

    def _callers(self) -> dict[str, list[Function]]:
        """Return by a name the functions that call something of that name, or hand it on."""
        callers: dict[str, list[Function]] = {}
        for call in self._program.source.calls:
            given = (getattr(one, "id", None) for one in call.node.args)
            for name in {call.name, call.attribute, *given} - {None}:
                callers.setdefault(str(name), []).append(call.function)
        return callers

    def _names_of(self, function: Function) -> Iterator[str]:
        """Yield the names by which a function is called; a class's, where it makes its objects."""
        yield function.name
        if function.name == "__init__":
            for owner in self._program.source.classes:
                if self._program.method(owner, "__init__") is function:
                    yield owner.name
