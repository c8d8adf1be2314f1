"""What a torch function is called, and what its arguments mean."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch

from wolfsbane.audit.vocabulary import FUNCTIONS, kind_of_function

RENAMED = {"train": "training", "self": "input"}
"""Names in torch's C++ signatures, and the same in its Python functions."""


@functools.lru_cache(maxsize=2048)
def name_of(function: Callable[..., Any]) -> str:
    """Return a function's full name, as it is spelt in programs.

    Examples:
        >>> name_of(torch.relu), name_of(torch.Tensor.relu), name_of(torch.nn.functional.dropout)
        ('torch.relu', 'torch.Tensor.relu', 'torch.nn.functional.dropout')
    """
    name = getattr(function, "__name__", type(function).__name__)
    if isinstance(function, torch._ops.OpOverload | torch._ops.OpOverloadPacket):  # noqa: SLF001  # no public name
        return f"torch.ops.{function}"
    if getattr(function, "__objclass__", None) is not None:
        return f"torch.Tensor.{name}"
    qualified = getattr(function, "__qualname__", name)
    if qualified.startswith("Tensor."):
        return f"torch.{qualified}"
    module = getattr(function, "__module__", None) or "torch"
    if module in ("torch._C._special", "torch.special"):
        return f"torch.special.{name.removeprefix('special_')}"
    return f"{'torch.nn.functional' if module == 'torch._C._nn' else module}.{name}"


@functools.lru_cache(maxsize=2048)
def kind_of(function: Callable[..., Any]) -> str:
    """Return the vocabulary's word for a function, or the last part of its name."""
    name = name_of(function)
    last = name.rpartition(".")[2]
    if name.startswith("torch.ops."):
        last = name.split(".")[3]
        return kind_of_function(f"torch.ops.aten.{last}") or last
    if name.startswith("torch.Tensor."):
        return FUNCTIONS.get(last, last)
    return kind_of_function(name) or last


def arguments_of(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return those arguments of a call that are no tensors, by the names of torch's signature.

    Defaults are filled in where the signature is known.
    """
    named: dict[str, Any] = {}
    kwargs = {RENAMED.get(name, name): value for name, value in kwargs.items()}
    for parameters in signatures_of(function):
        if len(args) <= len(parameters) and kwargs.keys() <= parameters.keys():
            named = dict(parameters) | dict(zip(parameters, args, strict=False))
            break
    named |= kwargs
    return {
        name: value
        for name, value in named.items()
        if value is not inspect.Parameter.empty and not _has_tensors(value)
    }


@functools.lru_cache(maxsize=2048)
def signatures_of(function: Callable[..., Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the possible parameters of a function, in order, with their defaults."""
    function = inspect.unwrap(function)  # Tensor.__pow__ is Python around a builtin
    if inspect.isfunction(function):
        parameters = inspect.signature(function).parameters.values()
        return ({each.name: each.default for each in parameters},)
    name = name_of(function).rpartition(".")[2]
    schemas = torch._C._jit_get_schemas_for_operator(f"aten::{name}")  # noqa: SLF001  # no public way
    return tuple(
        {
            RENAMED.get(argument.name, argument.name): argument.default_value
            if argument.has_default_value()
            else inspect.Parameter.empty
            for argument in schema.arguments
        }
        for schema in schemas
        if not any(argument.name == "out" for argument in schema.arguments)
    )


def _has_tensors(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(isinstance(item, torch.Tensor) for item in value)
    return isinstance(value, torch.Tensor)
