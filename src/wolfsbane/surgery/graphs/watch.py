"""Which parameters a model computes with while it is traced, where a tracer does not see it."""

from typing import Any

from torch import Tensor
from torch.nn import Module
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from wolfsbane.errors import ModelError


class ParameterWatch(TorchDispatchMode):
    """Sees each operation on a model's parameters; one that would write to them is an error.

    `sum(p.norm() for p in self.parameters())` is computed at once in symbolic tracing, and is only
    a number in its graph. Views, and `p.data`, are known by their memory.
    """

    def __init__(self, model: Module) -> None:
        super().__init__()
        self.model = model
        self._used: set[int] = set()
        self._watched = {_memory(parameter) for parameter in model.parameters()} - {None}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        del types
        kwargs = kwargs or {}
        used = {_memory(leaf) for leaf in tree_leaves((args, kwargs))} & self._watched
        self._used.update(key for key in used if key is not None)
        if used and any(_memory(value) in used for value in _written(func, args, kwargs)):
            raise ModelError("its forward writes to its parameters")
        return func(*args, **kwargs)

    def touched(self) -> frozenset[int]:
        """Return the ids of modules whose parameters were computed with."""
        return frozenset(
            id(module)
            for module in self.model.modules()
            if any(_memory(p) in self._used for p in module.parameters(recurse=False))
        )


def _written(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """Return the arguments that an operation writes to."""
    named = [(kwargs.get(a.name), a) for a in func._schema.arguments[len(args) :]]  # noqa: SLF001
    given = [*zip(args, func._schema.arguments, strict=False), *named]  # noqa: SLF001
    return [
        leaf
        for value, argument in given
        if argument.alias_info is not None and argument.alias_info.is_write
        for leaf in tree_leaves(value)
    ]


def _memory(value: Any) -> int | None:
    """Return what identifies the memory of a tensor, if it has any."""
    if not isinstance(value, Tensor):
        return None
    try:
        return int(value.untyped_storage()._cdata)  # noqa: SLF001
    except (NotImplementedError, RuntimeError, ValueError):  # sparse, or a lazy layer's
        return None
