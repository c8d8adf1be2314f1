"""Plan, apply, undo: the one pattern of every verb in `wolfsbane.surgery`."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MethodType

import torch
from torch.nn import Module, Parameter
from torch.optim import Optimizer

from wolfsbane.anatomy.places import Member, members, path_of
from wolfsbane.errors import ModelError
from wolfsbane.surgery.planning.changes import Change, Replace
from wolfsbane.surgery.planning.optimizers import swap


@dataclass(frozen=True)
class Kept:
    """What a plan leaves as it is, though it might be thought to change, and why."""

    path: str
    what: str
    why: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """What a verb of `wolfsbane.surgery` would change in a model. Making it changes nothing.

    `print(plan)` shows it, `bool(plan)` and `len(plan)` say whether and how much there is to do.

    Args:
        verb: what the plan does, as a title.
        model: the model it was made for.
        changes: what would change, in this order.
        kept: what would not, and why.
        notes: what else there is to know.
        optimizers: whose parameter groups change with the model.
        beside: for parameters that are new, a parameter whose optimizer group they join.
        successors: for parameters that take others' places, old to new.
        verify: called with the model before the changes; what it returns is called with the changed
            model, and raises where that is not what it should be, which undoes the plan. Text that
            it returns becomes the undo's notes.

    Examples:
        >>> import torch
        >>> from wolfsbane import surgery
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.1))
        >>> plan = surgery.convert(model)
        >>> undo = plan.apply()
        >>> type(undo.model[1]).__module__
        'wolfsbane.nn.dropout'
        >>> undo() is model and type(model[1]) is torch.nn.Dropout
        True
    """

    verb: str
    model: Module
    changes: tuple[Change, ...]
    kept: tuple[Kept, ...] = ()
    notes: tuple[str, ...] = ()
    optimizers: tuple[Optimizer, ...] = ()
    beside: Mapping[Parameter, Parameter] = field(default_factory=dict)
    successors: Mapping[Parameter, Parameter] = field(default_factory=dict)
    verify: Callable[[Module], Callable[[Module], Iterable[str]]] | None = None

    def __len__(self) -> int:
        return len(self.changes)

    def __str__(self) -> str:
        from wolfsbane.surgery.planning.text import describe  # noqa: PLC0415  # text shows plans

        return describe(self)

    __repr__ = __str__

    @property
    def keys(self) -> dict[str, str | None]:
        """Entries of the state_dict that get another name (or None: they are gone)."""
        return {
            _join(path, old): None if new is None else _join(path, new)
            for change in self.changes
            for path in change.paths or (change.path,)
            for old, new in change.keys.items()
        }

    @property
    def added_keys(self) -> list[str]:
        """Entries of the state_dict that the model does not have yet."""
        return [
            _join(path, name)
            for change in self.changes
            for path in change.paths or (change.path,)
            for name in change.added
        ]

    def apply(self) -> "Undo":
        """Change the model, all or nothing, and return what undoes it.

        The model is `undo.model`: the one the plan was made for, changed in place, unless the root
        itself is replaced.

        Raises:
            ModelError: the model has changed since the plan was made; or the changed model is not
                what it should be, and was put back.
        """
        reached = {id(module) for module in self.model.modules()}
        for change in self.changes:
            change.check()
            if not reached.issuperset(map(id, change.subjects)):
                raise ModelError(
                    f"{path_of(change.path)} is no longer a part of the model: make a new plan"
                )
        undo = Undo(self)
        try:
            undo.redo()
        except BaseException:
            undo.roll_back()
            raise
        return undo


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


class Undo:
    """What puts a model back as it was before a plan: call it.

    Attributes:
        plan: the plan that was applied.
        model: the model as the plan made it.
        notes: what was found when the changed model was checked.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.model = plan.model
        self.notes: tuple[str, ...] = ()
        self._done: list[Change] = []
        self._restore: list[Callable[[], None]] = []
        self._is_undone = False

    def __call__(self) -> Module:
        """Put back the very objects, and return the model that the plan was made for.

        What was learned since is kept where old and new share their tensors; each module takes over
        the mode (training or evaluation) of the one that stood in its place.

        Raises:
            ModelError: it was undone before, or the model was changed after the plan.
        """
        if self._is_undone:
            raise ModelError("this plan was undone before. Apply it again: plan.apply()")
        for change in reversed(self._done):
            change.check_undo()
        self.roll_back()
        return self.plan.model

    def __repr__(self) -> str:
        state = "undone" if self._is_undone else "call it to put the model back"
        return f"<Undo of {self.plan.verb}: {len(self._done)} changes, {state}>"

    def redo(self) -> None:
        """Make the plan's changes, and check them."""
        before = _parameters(self.plan.model)
        verify = None if self.plan.verify is None else self.plan.verify(self.plan.model)
        for change in self.plan.changes:
            self._done.append(change)
            change.do()
            if isinstance(change, Replace) and change.old is self.model:
                self.model = change.new
        self._swap_parameters(before, _parameters(self.model))
        self._tell_compiled()
        if verify is not None:
            self.notes = tuple(verify(self.model))

    def roll_back(self) -> None:
        """Put everything back, the last change first."""
        for restore in reversed(self._restore):
            restore()
        for change in reversed(self._done):
            change.undo()
        self._tell_compiled()
        self._restore.clear()
        self._done.clear()
        self.model = self.plan.model
        self._is_undone = True

    def _tell_compiled(self) -> None:
        """Make torch.compile forget, where it would go on without hooks that are new, or gone."""
        if "torch._dynamo" in sys.modules and not all(c.is_seen_by_compiled for c in self._done):
            torch._dynamo.reset()  # noqa: SLF001

    def _swap_parameters(self, before: list[Parameter], after: list[Parameter]) -> None:
        plan = self.plan
        remaining = {id(parameter) for parameter in after}
        gone = [p for p in before if id(p) not in remaining and p not in plan.successors]
        added = [(new, beside) for new, beside in plan.beside.items() if id(new) in remaining]
        for optimizer in plan.optimizers:
            self._restore.append(swap(optimizer, gone, plan.successors, added))


def _parameters(model: Module) -> list[Parameter]:
    return list(model.parameters())


def unreached(model: Module, modules: Iterable[Module]) -> tuple[Kept, ...]:
    """Return the plain lists, tuples and dicts of a model that hold one of these modules.

    torch does not register what is in there, and a plan does not reach it.
    """
    wanted = {id(module) for module in modules}
    return tuple(
        Kept(f"{path_of(member.path)}, attribute {name!r}", type(value).__name__, _UNREACHED)
        for member, name, value in _containers(model)
        if any(id(module) in wanted for module in _held(value))
    )


def held_in_containers(model: Module) -> frozenset[int]:
    """Return the ids of the modules that anything but their slots refers to.

    That is a plain attribute, or in one a list, tuple, set or dict, a method or a partial call,
    however deep.
    """
    found: set[int] = set()
    seen: set[int] = set()
    for member in members(model):
        for name, value in vars(member.module).items():
            if name not in _OF_TORCH:
                _collect(value, found, seen)
    return frozenset(found)


def _collect(value: object, found: set[int], seen: set[int]) -> None:
    if isinstance(value, Module):
        found.add(id(value))
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, MethodType):
        _collect(value.__self__, found, seen)
    elif isinstance(value, partial):
        _collect((value.func, value.args, value.keywords), found, seen)
    else:
        for held in _held(value):
            _collect(held, found, seen)


def _containers(model: Module) -> Iterator[tuple[Member, str, object]]:
    for member in members(model):
        for name, value in vars(member.module).items():
            if not name.startswith("_"):
                yield member, name, value


_OF_TORCH = frozenset(vars(Module()))

_UNREACHED = (
    "a plain container, not ModuleList or ModuleDict, also refers to modules that change: it keeps "
    "the old ones"
)


def _held(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, (list, tuple, set)) else ()
