"""What a plan consists of: single changes, each of which can be checked, done and undone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch.nn import Module, Parameter

from wolfsbane.anatomy.places import Slot, path_of
from wolfsbane.errors import ModelError
from wolfsbane.surgery.planning.succession import hand_over


@dataclass(frozen=True, eq=False, kw_only=True)
class Change:
    """One change of a model, with the words that show it.

    Args:
        path: where, as in `model.named_modules()`.
        before: what is there.
        after: what will be there.
        paths: all paths that lead there, for the names in the state_dict. Default: `path`.
        keys: how entries of the state_dict are renamed, relative to the module: old name to new
            name, or to None for one that is gone. What is not named keeps its name.
        added: names, relative to the module, of entries that are new.
    """

    path: str
    before: str
    after: str
    paths: tuple[str, ...] = ()
    keys: Mapping[str, str | None] = field(default_factory=dict)
    added: tuple[str, ...] = ()

    @property
    def subjects(self) -> tuple[Module, ...]:
        """The modules of the model that are changed, or in which something is."""
        raise NotImplementedError

    @property
    def is_seen_by_compiled(self) -> bool:
        """Whether torch.compile notices the change, and compiles again. A new hook it does not."""
        return True

    def check(self) -> None:
        """Raise ModelError unless the model still is what the plan was made for."""
        raise NotImplementedError

    def check_undo(self) -> None:
        """Raise ModelError unless what the plan put there is still there."""
        raise NotImplementedError

    def do(self) -> None:
        """Make the change. It cannot fail where `check` did not."""
        raise NotImplementedError

    def undo(self) -> None:
        """Put back what was there."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, kw_only=True)
class Replace(Change):
    """A module that takes another's place in every slot that holds it.

    Args:
        slots: where the old module hangs. The root's slot has no parent; see `Plan.apply`.
        old: the module there.
        new: the module that will be there; it may contain the old one.
        mode_of: the module whose mode (training or evaluation) new modules take. Default: the old.
    """

    slots: tuple[Slot, ...]
    old: Module
    new: Module
    mode_of: Module | None = None
    _modes: list[tuple[Module, bool]] = field(default_factory=list, init=False)
    _contained: list[Module] = field(default_factory=list, init=False)

    @property
    def subjects(self) -> tuple[Module, ...]:
        return (self.old, *(slot.parent for slot in self.slots if slot.parent is not None))

    def check(self) -> None:
        self._expect(self.old, "the model has changed since the plan was made: make a new plan")

    def check_undo(self) -> None:
        self._expect(self.new, "the model was changed after this plan: undo the later change first")
        if self._contained and all(part is not self.old for part in self.new.modules()):
            raise ModelError(
                f"the {type(self.old).__name__} in {path_of(self.path)} was replaced after this "
                "plan: undo the later change first"
            )

    def do(self) -> None:
        self._contained[:] = [part for part in self.new.modules() if part is self.old]
        training = (self.mode_of or self.old).training
        self._modes[:] = [(module, module.training) for module in _only_in(self.old, self.new)]
        self._modes.append((self.new, training))
        for module in _only_in(self.new, self.old):
            module.__dict__["training"] = training
        hand_over(self.old, self.new)
        self._hang(self.new)

    def undo(self) -> None:
        """Put the old module back; its parts get their modes back, or a mode set since then."""
        *modes, (_, given) = self._modes or [(self.new, self.new.training)]
        training = self.new.training
        for module, before in modes:
            module.__dict__["training"] = before if training == given else training
        hand_over(self.new, self.old)
        self._hang(self.old)

    def _hang(self, module: Module) -> None:
        for slot in self.slots:
            if slot.parent is not None:
                # Not setattr: it would refuse a name such as "0.1", and call registration hooks.
                slot.parent._modules[slot.name] = module  # noqa: SLF001

    def _expect(self, module: Module, otherwise: str) -> None:
        for slot in self.slots:
            if slot.parent is not None and slot.parent._modules.get(slot.name) is not module:  # noqa: SLF001
                found = type(slot.parent._modules.get(slot.name)).__name__  # noqa: SLF001
                raise ModelError(
                    f"{path_of(self.path)} was to hold {type(module).__name__}, but holds {found}; "
                    f"{otherwise}"
                )


def _only_in(module: Module, other: Module) -> list[Module]:
    known = {id(part) for part in other.modules()}
    return [part for part in module.modules() if id(part) not in known]


@dataclass(frozen=True, eq=False, kw_only=True)
class SetAttribute(Change):
    """A plain attribute of a module, such as a rate, that takes another value.

    Args:
        owner: the module.
        name: the attribute.
        old: its value when the plan was made.
        new: the value that it will have.
        get: how it is read. Default: `getattr`.
        set: how it is written. Default: `setattr`.
    """

    owner: Module
    name: str
    old: Any
    new: Any
    get: Callable[[Module, str], Any] = getattr
    set: Callable[[Module, str, Any], None] = setattr

    @property
    def subjects(self) -> tuple[Module, ...]:
        return (self.owner,)

    def check(self) -> None:
        self._expect(self.old, "the model has changed since the plan was made: make a new plan")

    def check_undo(self) -> None:
        self._expect(self.new, "it was changed after this plan: set it by hand, or undo that first")

    def do(self) -> None:
        self.set(self.owner, self.name, self.new)

    def undo(self) -> None:
        self.set(self.owner, self.name, self.old)

    def _expect(self, value: Any, otherwise: str) -> None:
        found = self.get(self.owner, self.name)
        if found is not value and found != value:
            raise ModelError(
                f"{path_of(self.path)}: {self.name} was to be {value!r}, but is {found!r}; "
                f"{otherwise}"
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class SetParameter(Change):
    """A parameter of a module that becomes another, or none.

    Args:
        owner: the module. A tied parameter needs one change for each module that holds it.
        name: its name there, such as "bias".
        old: the parameter there, or None.
        new: the parameter that will be there, or None.
    """

    owner: Module
    name: str
    old: Parameter | None
    new: Parameter | None

    @property
    def subjects(self) -> tuple[Module, ...]:
        return (self.owner,)

    def check(self) -> None:
        self._expect(self.old, "the model has changed since the plan was made: make a new plan")

    def check_undo(self) -> None:
        self._expect(self.new, "the model was changed after this plan: undo the later change first")

    def do(self) -> None:
        self.owner._parameters[self.name] = self.new  # noqa: SLF001

    def undo(self) -> None:
        self.owner._parameters[self.name] = self.old  # noqa: SLF001

    def _expect(self, parameter: Parameter | None, otherwise: str) -> None:
        if self.owner._parameters.get(self.name) is not parameter:  # noqa: SLF001
            raise ModelError(
                f"{path_of(self.path)}: another parameter has become {self.name}; {otherwise}"
            )
