"""What the names of a program hold, as far as modes are concerned, and in which mode models are."""

import ast
import enum
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from wolfsbane.audit.source.structure import Function


class Mode(enum.Enum):
    """A model's mode."""

    GIVEN = "given"
    """As the caller, who is not in this file, left it."""
    TRAINING = "training"
    EVALUATION = "evaluation"
    UNKNOWN = "unknown"
    """Something that cannot be followed may have set it, or parts differ."""


@dataclass(frozen=True)
class Setting:
    """One mode in which a model may be at some point.

    Args:
        mode: the mode.
        node: the call that set it; None where none did, as in a model just made.
        names: names in the tests on which it depends whether that call was run.
    """

    mode: Mode
    node: ast.AST | None = None
    names: frozenset[str] = frozenset()


Settings: TypeAlias = frozenset[Setting]
GIVEN: Settings = frozenset({Setting(Mode.GIVEN)})
NEW: Settings = frozenset({Setting(Mode.TRAINING)})
UNKNOWN: Settings = frozenset({Setting(Mode.UNKNOWN)})


@dataclass(frozen=True)
class Reference:
    """An object, known by the path under which it was first met."""

    path: str


@dataclass(frozen=True)
class New(Reference):
    """An object just made, which takes the path of the name that it is given."""


@dataclass(frozen=True)
class SavedMode:
    """`model.training`, kept."""

    settings: Settings


@dataclass(frozen=True)
class Constant:
    """A literal."""

    value: object


@dataclass(frozen=True)
class Parameters:
    """Parameters of these objects: what an optimizer is given."""

    owners: frozenset[str]


@dataclass(frozen=True)
class Optimizer:
    """An optimizer of these objects; of unknown ones where there is none."""

    owners: frozenset[str]


@dataclass(frozen=True)
class Several:
    """A tuple or list."""

    elements: tuple["Value", ...]


Value: TypeAlias = Reference | SavedMode | Constant | Parameters | Optimizer | Several | None


@dataclass(frozen=True)
class Pending:
    """A call of a model whose gradients have not been used yet.

    Args:
        path: of what was called.
        node: the call.
        function: the function in which it stands.
        settings: in which modes it may have been.
        names: names in the tests under which the call stands.
    """

    path: str
    node: ast.Call
    function: Function
    settings: Settings
    names: frozenset[str]


@dataclass
class State:
    """What holds at one point of a program.

    Args:
        values: what names and attributes hold, by path; without an entry, an object of that path.
        modes: by an object's path; parts without an entry are as what they are parts of.
        pending: calls of models since the last step of an optimizer.
        has_gradients: whether backward was called since.
    """

    values: dict[str, Value] = field(default_factory=dict)
    modes: dict[str, Settings] = field(default_factory=dict)
    pending: frozenset[Pending] = frozenset()
    has_gradients: bool = False

    def copy(self) -> "State":
        """Return the same, to be changed independently."""
        return replace(self, values=dict(self.values), modes=dict(self.modes))

    def read(self, path: str) -> Value:
        """Return what a name or attribute holds."""
        return self.values.get(path, Reference(path))

    def settings_of(self, path: str) -> Settings:
        """Return the modes in which an object may be."""
        own = self.nearest(path)
        below = f"{path}."
        for part, settings in self.modes.items():
            if part.startswith(below) and _modes(settings) != _modes(own):
                return own | UNKNOWN
        return own

    def nearest(self, path: str) -> Settings:
        """Return the modes of an object, whatever those of its parts are."""
        while path:
            if path in self.modes:
                return self.modes[path]
            path = path.rpartition(".")[0]
        return GIVEN

    def set_mode(self, path: str, settings: Settings) -> None:
        """Set an object's mode, and its parts' with it."""
        self.forget_modes(path)
        self.modes[path] = settings
        self.pending = frozenset(one for one in self.pending if not are_related(one.path, path))

    def forget_modes(self, path: str) -> None:
        """Let an object's parts, and itself, have no mode of their own."""
        self.modes.pop(path, None)
        below = f"{path}."
        for part in [part for part in self.modes if part.startswith(below)]:
            del self.modes[part]

    def doubt_all(self) -> None:
        """Let every mode that is known be unknown: something may have set any of them."""
        self.modes = dict.fromkeys(self.modes, UNKNOWN)

    def write(self, path: str, value: Value) -> None:
        """Give a name or attribute a value."""
        if isinstance(value, Reference) and is_part(path, value.path) and path != value.path:
            value = None  # A name that holds what it is part of cannot be told apart.
        if isinstance(value, New):
            self._rename(value.path, path)
            self.values.pop(path, None)
        elif isinstance(value, Reference) and value.path == path:
            self.values.pop(path, None)
        elif value is None:
            self.forget(path)
        else:
            self.values[path] = value

    def forget(self, path: str) -> None:
        """Let a path be an object of which nothing is known."""
        self.values.pop(path, None)
        below = f"{path}."
        for part in [part for part in self.values if part.startswith(below)]:
            del self.values[part]
        self.forget_modes(path)

    def _rename(self, old: str, new: str) -> None:
        self.forget(new)
        self.values = {
            moved(path, old, new): _value_moved(value, old, new)
            for path, value in self.values.items()
        }
        self.modes = {moved(path, old, new): modes for path, modes in self.modes.items()}
        self.pending = frozenset(
            replace(one, path=moved(one.path, old, new)) for one in self.pending
        )


def is_part(path: str, whole: str) -> bool:
    """Whether a path is another one, or lies below it."""
    return path == whole or path.startswith(f"{whole}.")


def moved(path: str, old: str, new: str) -> str:
    """Return a path with its beginning changed, if it lies below the old one."""
    return new + path[len(old) :] if is_part(path, old) else path


def _value_moved(value: Value, old: str, new: str) -> Value:
    if isinstance(value, Reference):
        return Reference(moved(value.path, old, new)) if is_part(value.path, old) else value
    if isinstance(value, Parameters | Optimizer):
        return type(value)(frozenset(moved(owner, old, new) for owner in value.owners))
    if isinstance(value, Several):
        return Several(tuple(_value_moved(one, old, new) for one in value.elements))
    return value


def are_related(one: str, other: str) -> bool:
    """Whether one path is the other or lies below it."""
    return is_part(one, other) or is_part(other, one)


def _modes(settings: Settings) -> set[Mode]:
    return {setting.mode for setting in settings}


def join(states: list[State]) -> State | None:
    """Return what holds where several ways meet; None where no way leads there."""
    if not states:
        return None
    joined = states[0].copy()
    for state in states[1:]:
        joined.values = {
            path: value
            for path, value in joined.values.items()
            if path in state.values and state.values[path] == value
        }
        joined.modes = {
            path: joined.nearest(path) | state.nearest(path)
            for path in {*joined.modes, *state.modes}
        }
        joined.pending |= state.pending
        joined.has_gradients |= state.has_gradients
    return joined
