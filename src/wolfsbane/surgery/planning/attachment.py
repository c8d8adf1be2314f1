"""A layer attached behind a module: its child, run on its output by a forward hook.

The module itself stays where it is, so code that reads its attributes (`self.fc.weight`) and the
names in the state_dict go on as before; wrapping it in a Sequential would break both.
"""

import inspect
import itertools
import re
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.fx import Proxy
from torch.nn import Module, ModuleDict, ModuleList, Sequential
from torch.utils.hooks import RemovableHandle

from wolfsbane.anatomy.places import path_of
from wolfsbane.errors import ModelError
from wolfsbane.surgery.planning.changes import Change


@dataclass(frozen=True)
class RunChild:
    """A forward hook that sends a module's output through one of its children.

    An object and not a closure, so that the model can be pickled and copied. Where the output is a
    tuple or list, its first element is sent through, and so on inside that: of an LSTM's
    `(PackedSequence, (h, c))` the packed data.
    """

    name: str

    def __call__(self, module: Module, inputs: Any, output: Any) -> Any:
        """Return the output, sent through the child."""
        del inputs
        child = module._modules[self.name]  # noqa: SLF001
        assert child is not None
        changed = _through(child, output)
        if changed is None:
            raise ModelError(
                f"{type(module).__name__} returned {type(output).__name__}, and {self.name} takes "
                "a tensor, or a tuple that begins with one. Undo the plan, and choose a module "
                "that returns one"
            )
        return changed


def _through(child: Module, output: Any) -> Any:
    """Return an output with its first tensor sent through a layer; None where there is none."""
    if isinstance(output, (Tensor, Proxy)):
        return child(output)
    if not isinstance(output, (tuple, list)) or not output:
        return None
    first = _through(child, output[0])
    if first is None:
        return None
    parts = (first, *output[1:])
    return type(output)(*parts) if hasattr(output, "_fields") else type(output)(parts)


def attached(module: Module) -> list[Module]:
    """Return what is attached behind a module."""
    hooks = module._forward_hooks.values()  # noqa: SLF001
    children = [module._modules.get(hook.name) for hook in hooks if isinstance(hook, RunChild)]  # noqa: SLF001
    return [child for child in children if child is not None]


def carry_attached(old: Module, new: Module) -> Module:
    """Give a module that has another's hooks what is attached behind that one."""
    for hook in new._forward_hooks.values():  # noqa: SLF001
        if isinstance(hook, RunChild):
            new._modules[hook.name] = old._modules[hook.name]  # noqa: SLF001
    return new


def free_name(module: Module, name: str) -> str:
    """Return a name for a new child: this one, or with a number where a module has it already."""
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([name], numbered) if not _has(module, one))


def _has(module: Module, name: str) -> bool:
    return name in module._modules or hasattr(module, name)  # noqa: SLF001


def runs_all_children(module: Module) -> str | None:
    """Return why a child cannot be attached: the module may run it itself. None where it may not.

    A container with a forward may; so may what names its children in its forward, as in
    `for layer in self.children()`.
    """
    if isinstance(module, (Sequential, ModuleList, ModuleDict)):
        return "a container with a forward of its own, which may run whatever is attached to it"
    try:
        source = inspect.getsource(type(module).forward)
    except (OSError, TypeError):  # written in a shell, or in C
        return None
    if re.search(r"\bself\.(_modules|(named_)?(children|modules)\()", source):
        return "its forward goes through all its children, and would run what is attached to it"
    return None


@dataclass(frozen=True, eq=False, kw_only=True)
class Attach(Change):
    """A layer that will run on a module's output.

    Args:
        owner: the module.
        name: the name that the layer gets as its child.
        child: the layer.
        by_hook: run it by a forward hook. Not in a Sequential, which runs its children itself.
        is_first: run it before all other forward hooks of the module. Default: behind them.
    """

    owner: Module
    name: str
    child: Module
    by_hook: bool = True
    is_first: bool = False

    def __post_init__(self) -> None:
        # The handle is made when the change is; a frozen dataclass keeps it in a list.
        object.__setattr__(self, "_handles", list[RemovableHandle]())

    def check(self) -> None:
        if _has(self.owner, self.name):
            raise ModelError(
                f"{path_of(self.path)} has an attribute {self.name!r} by now: make a new plan"
            )

    def check_undo(self) -> None:
        if self.owner._modules.get(self.name) is not self.child:  # noqa: SLF001
            raise ModelError(
                f"{path_of(self.path)}: {self.name} was changed after this plan: undo the later "
                "change first"
            )

    @property
    def subjects(self) -> tuple[Module, ...]:
        return (self.owner,)

    @property
    def is_seen_by_compiled(self) -> bool:
        return not self.by_hook

    def do(self) -> None:
        self.child.train(self.owner.training)
        self.owner.add_module(self.name, self.child)
        if self.by_hook:
            hook = RunChild(self.name)
            handle = self.owner.register_forward_hook(hook, prepend=self.is_first)
            self._kept_handles().append(handle)

    def undo(self) -> None:
        for handle in self._kept_handles():
            handle.remove()
        self._kept_handles().clear()
        self.owner._modules.pop(self.name, None)  # noqa: SLF001

    def _kept_handles(self) -> list[RemovableHandle]:
        handles: list[RemovableHandle] = self.__dict__["_handles"]
        return handles
