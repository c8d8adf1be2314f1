"""The tensors in what a function takes or returns, however deep."""

from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from torch import Tensor
from torch.nn import Module
from torch.utils._pytree import tree_leaves

OPAQUE = (type, Module, ModuleType, FunctionType, BuiltinFunctionType, MethodType)
"""What has attributes, and is no record of results."""


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in tuples, lists, dicts and records, such as a transformer's ModelOutput.

    Examples:
        >>> import torch
        >>> from types import SimpleNamespace
        >>> output = {"loss": torch.tensor(1.0), "more": SimpleNamespace(logits=torch.ones(2))}
        >>> [tuple(tensor.shape) for tensor in tensors_in(output)]
        [(), (2,)]
    """
    yield from _tensors_in(value, set())


def _tensors_in(value: Any, seen: set[int]) -> Iterator[Tensor]:
    for leaf in tree_leaves(value):
        if isinstance(leaf, Tensor):
            yield leaf
        elif hasattr(leaf, "__dict__") and not isinstance(leaf, OPAQUE) and id(leaf) not in seen:
            seen.add(id(leaf))
            yield from _tensors_in(dict(vars(leaf)), seen)


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of the first tensor in a result, where it is known."""
    first = next(tensors_in(value), None)
    return None if first is None else tuple(int(size) for size in first.shape)
