"""A layer attached behind a module: its child, run on its output by a forward hook.

The module itself stays where it is, so code that reads its attributes (`self.fc.weight`) and the
names in the state_dict go on as before; wrapping it in a Sequential would break both.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import Module
from torch.utils.hooks import RemovableHandle

from wolfsbane.anatomy.places import path_of
from wolfsbane.errors import ModelError
from wolfsbane.surgery.changes import Change


@dataclass(frozen=True)
class RunChild:
    """A forward hook that sends a module's output through one of its children.

    An object and not a closure, so that the model can be pickled and copied. Where the output is a
    tuple or list, its first element is sent through.
    """

    name: str

    def __call__(self, module: Module, inputs: Any, output: Any) -> Any:
        """Return the output, sent through the child."""
        del inputs
        child = module._modules[self.name]  # noqa: SLF001
        assert child is not None
        if isinstance(output, Tensor):
            return child(output)
        if isinstance(output, (tuple, list)) and output and isinstance(output[0], Tensor):
            first = child(output[0])
            parts = (first, *output[1:])
            is_named = hasattr(output, "_fields")
            return type(output)(*parts) if is_named else type(output)(parts)
        raise ModelError(
            f"{type(module).__name__} returned {type(output).__name__}, and {self.name} takes a "
            "tensor, or a tuple that begins with one. Undo the plan, and choose a module that "
            "returns one"
        )


def attached(module: Module) -> list[Module]:
    """Return what is attached behind a module."""
    hooks = module._forward_hooks.values()  # noqa: SLF001
    children = [module._modules.get(hook.name) for hook in hooks if isinstance(hook, RunChild)]  # noqa: SLF001
    return [child for child in children if child is not None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Attach(Change):
    """A layer that will run on a module's output.

    Args:
        owner: the module.
        name: the name that the layer gets as its child.
        child: the layer.
        by_hook: run it by a forward hook. Not in a Sequential, which runs its children itself.
    """

    owner: Module
    name: str
    child: Module
    by_hook: bool = True

    def __post_init__(self) -> None:
        # The handle is made when the change is; a frozen dataclass keeps it in a list.
        object.__setattr__(self, "_handles", list[RemovableHandle]())

    def check(self) -> None:
        if self.name in self.owner._modules or hasattr(self.owner, self.name):  # noqa: SLF001
            raise ModelError(
                f"{path_of(self.path)} has an attribute {self.name!r} by now: make a new plan"
            )

    def check_undo(self) -> None:
        if self.owner._modules.get(self.name) is not self.child:  # noqa: SLF001
            raise ModelError(
                f"{path_of(self.path)}: {self.name} was changed after this plan: undo the later "
                "change first"
            )

    def do(self) -> None:
        self.child.train(self.owner.training)
        self.owner.add_module(self.name, self.child)
        if self.by_hook:
            self._kept_handles().append(self.owner.register_forward_hook(RunChild(self.name)))

    def undo(self) -> None:
        for handle in self._kept_handles():
            handle.remove()
        self._kept_handles().clear()
        self.owner._modules.pop(self.name, None)  # noqa: SLF001

    def _kept_handles(self) -> list[RemovableHandle]:
        handles: list[RemovableHandle] = self.__dict__["_handles"]
        return handles
