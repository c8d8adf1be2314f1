"""What a walk over a program has seen of models: calls, training steps, evaluations."""

import ast
from dataclasses import dataclass, field

from wolfsbane.audit.source.calls import Call
from wolfsbane.audit.source.modes.program import Loop
from wolfsbane.audit.source.modes.values import Mode, Setting, Settings, is_part
from wolfsbane.audit.source.structure import Class, Function


@dataclass(frozen=True, eq=False)
class Trained:
    """A call of a model whose gradients an optimizer has used.

    Args:
        path: the model.
        node: the call.
        function: the function in which it stands.
        settings: in which modes the model may have been.
        names: names in the tests under which the training step stands.
        is_owned: whether the optimizer is known to hold the model's parameters.
    """

    path: str
    node: ast.Call
    function: Function
    settings: Settings
    names: frozenset[str]
    is_owned: bool

    def evaluating(self) -> list[Setting]:
        """The calls of `eval()` after which it may have come."""
        found = [
            setting
            for setting in self.settings
            if setting.mode is Mode.EVALUATION and not setting.names & self.names
        ]
        return sorted(found, key=lambda setting: getattr(setting.node, "lineno", 0))


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A call of a model without gradients.

    Args:
        path: the model.
        node: the call.
        function: the function in which it stands.
        settings: in which modes the model may have been.
        words: names of the functions that led here, and texts that their names hold: "valid".
        loops: the loops around it in its function, outermost first.
        is_method: whether it is a method of the model, of which nothing else is known.
        repeated_by: the loop that repeats it on the same input, if one does.
    """

    path: str
    node: ast.Call
    function: Function
    settings: Settings
    words: tuple[str, ...]
    loops: tuple[ast.AST, ...]
    is_method: bool
    repeated_by: Loop | None

    @property
    def is_sampling(self) -> bool:
        """Whether samples are drawn: a loop repeats it on the same input, and trains nothing."""
        return self.repeated_by is not None and not self.repeated_by.trains

    @property
    def is_training(self) -> bool:
        """Whether the model certainly was in training mode."""
        return all(setting.mode is Mode.TRAINING for setting in self.settings)


@dataclass(eq=False)
class Record:
    """What was seen, in the order in which the program would do it.

    Args:
        trained: training steps.
        evaluated: calls without gradients.
        made: by an object's path, what made it: a class of this file, or a call.
    """

    trained: list[Trained] = field(default_factory=list)
    evaluated: list[Evaluated] = field(default_factory=list)
    made: dict[str, list[Class | Call]] = field(default_factory=dict)

    def makers_of(self, path: str) -> list[Class | Call]:
        """Return what may have made an object."""
        return self.made.get(path, [])

    def is_trained(self, path: str) -> bool:
        """Whether the program trains an object, a part of it, or what it is part of."""
        return any(is_part(one.path, path) or is_part(path, one.path) for one in self.trained)
