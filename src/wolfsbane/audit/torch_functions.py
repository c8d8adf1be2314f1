"""What an operation is called, and with what: the same for aten operators and for functions."""

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import get_testing_overrides, resolve_name

from wolfsbane.audit.layer import Layer
from wolfsbane.audit.spellings import kind_of_function
from wolfsbane.audit.vocabulary import DROPOUTS

RENAMED = {"train": "training"}
"""Words of aten's schemas, and those of torch's functions for the same thing."""

SCHEMAS_NAMES = {"self": "input"}
"""What schemas call the tensor that torch's functions take as `input`."""

OPERATOR = re.compile(r"__[ri]?(add|sub|mul|matmul|truediv|floordiv|pow|mod)__")
"""Methods behind Python's operators: `1 - x` calls `x.__rsub__(1)`."""

TENSOR, TENSORS, OTHER = "a tensor", "a list of tensors", "anything else"

KINDS = {
    "Tensor": TENSOR,
    "Optional[Tensor]": TENSOR,
    "List[Tensor]": TENSORS,
    "Optional[List[Tensor]]": TENSORS,
    "List[Optional[Tensor]]": TENSORS,
}
"""How schemas write such types."""


@dataclass(frozen=True)
class Signature:
    """The parameters of a function.

    Args:
        names: in order.
        defaults: by name, of those that have one.
        required: the others.
        kinds: by name, TENSOR, TENSORS or OTHER, as its schema says; empty where there is none.
        num_positional: how many may be given without their name.
    """

    names: tuple[str, ...]
    defaults: Mapping[str, Any]
    required: frozenset[str]
    kinds: Mapping[str, str]
    num_positional: int

    def bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return a call's arguments by name, with defaults; None where it is no such call."""
        if len(args) > self.num_positional:
            return None
        given = dict(zip(self.names, args, strict=False))
        given.update(kwargs)
        if not self.required <= given.keys() or not all(name in self.names for name in kwargs):
            return None
        if self.kinds and not all(_fits(given[name], self.kinds[name]) for name in given):
            return None
        return {**self.defaults, **given}


def _fits(value: object, kind: str) -> bool:
    """Whether a tensor is given for a tensor, and a list of tensors for such a list."""
    if isinstance(value, Tensor):
        return kind == TENSOR
    if isinstance(value, list | tuple) and value and isinstance(value[0], Tensor):
        return kind == TENSORS
    return kind != TENSORS or not isinstance(value, bool | int | float)


@functools.lru_cache(maxsize=2048)
def name_of(function: Callable[..., Any]) -> str:
    """Return a function's full name, as torch spells it.

    Examples:
        >>> import torch
        >>> name_of(torch.nn.functional.dropout), name_of(torch.Tensor.softmax)
        ('torch.nn.functional.dropout', 'torch.Tensor.softmax')
    """
    if isinstance(function, torch._ops.OpOverload | torch._ops.OpOverloadPacket):  # noqa: SLF001  # no public name
        return f"torch.ops.{'.'.join(str(function).split('.')[:2])}"
    name = resolve_name(function)
    if name is None:
        module = getattr(function, "__module__", None) or ""
        own = getattr(function, "__qualname__", type(function).__name__)
        package = "wolfsbane.functional"
        name = f"{package if module.startswith(package) else module}.{own}".lstrip(".")
    return str(name)


def kind_of(name: str, arguments: Mapping[str, Any], layer: Layer | None = None) -> str:
    """Return the vocabulary's word for an operation, or the last part of its name.

    Args:
        name: "torch.nn.functional.dropout", "torch.Tensor.__rsub__", "torch.ops.aten.softmax".
        arguments: those that are not tensors.
        layer: in which it ran; a dropout layer knows better what it drops than its operator.

    Examples:
        >>> kind_of("torch.ops.aten._softmax", {}), kind_of("torch.Tensor.__rsub__", {})
        ('softmax', 'sub')
        >>> kind_of("torch.ops.aten.clamp_min", {"min": 1e-12})
        'clamp_min'
    """
    short, found = _words_of(name)
    if short.rstrip("_") == "clamp_min" and arguments.get("min") != 0:
        return short
    own = None if layer is None else layer.kind
    is_of_layer = own in DROPOUTS if found in DROPOUTS else (own, found) == ("relu6", "hardtanh")
    return own if own is not None and is_of_layer else found


@functools.lru_cache(maxsize=2048)
def _words_of(name: str) -> tuple[str, str]:
    """Return the last part of a name, and the vocabulary's word for it, or that part again."""
    short = _short(name)
    package = "torch" if name.startswith("torch.Tensor.") else name.rpartition(".")[0]
    return short, kind_of_function(f"{package}.{short}") or short


def _short(name: str) -> str:
    last = name.removesuffix(".__get__").rpartition(".")[2]  # x.T is Tensor.T.__get__
    operator = OPERATOR.fullmatch(last)
    if operator:
        return operator[1].replace("truediv", "div")
    return last.strip("_") if last.startswith("__") else last


def arguments_of(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a function was called with, by name, without tensors; defaults are filled in.

    Examples:
        >>> import torch
        >>> arguments_of(torch.nn.functional.dropout, (torch.ones(2), 0.3), {})
        {'p': 0.3, 'training': True, 'inplace': False}
        >>> arguments_of(torch.Tensor.relu_, (torch.ones(2),), {})
        {'inplace': True}
    """
    calls = (signature.bound(args, kwargs) for signature in signatures_of(function))
    found = next((call for call in calls if call is not None), kwargs)
    return normalised(getattr(function, "__name__", ""), found)


def normalised(function: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments without tensors, by torch's names; `relu_` has inplace=True."""
    found = {
        RENAMED.get(name, name): value
        for name, value in arguments.items()
        if name not in ("self", "input") and not _has_tensor(value)
    }
    if function.endswith("_") and not function.endswith("__"):
        found["inplace"] = True
    return found


def _has_tensor(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_tensor(item) for item in value)
    if isinstance(value, dict):
        return any(_has_tensor(item) for item in value.values())
    return isinstance(value, Tensor)


@functools.lru_cache(maxsize=2048)
def signatures_of(function: Callable[..., Any]) -> tuple[Signature, ...]:
    """Return the ways in which a function can be called.

    Those of functions in Python are their own, those of builtins are the schemas of their operator,
    or where it has none, what torch.overrides says.
    """
    own = _described(inspect.unwrap(function))  # Tensor.__pow__ is Python around a builtin
    if own is not None:
        return (own,)
    name = name_of(function).removesuffix(".__get__").rpartition(".")[2]
    schemas = torch._C._jit_get_schemas_for_operator(f"aten::{name}")  # noqa: SLF001  # no public way
    found = tuple(_of_schema(schema) for schema in schemas if not _has_out(schema))
    other = None if found else _described(get_testing_overrides().get(function))
    return found if other is None else (other,)


def _described(function: Callable[..., Any] | None) -> Signature | None:
    """Return the signature of a function in Python, unless it passes on whatever it gets."""
    if not inspect.isfunction(function):
        return None
    parameters = inspect.signature(function).parameters.values()
    kinds = [parameter.kind for parameter in parameters]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return None
    defaults = {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.default is not inspect.Parameter.empty
    }
    return Signature(
        tuple(parameter.name for parameter in parameters),
        defaults,
        frozenset(parameter.name for parameter in parameters) - defaults.keys(),
        {},
        len(kinds) - kinds.count(inspect.Parameter.KEYWORD_ONLY),
    )


def _of_schema(schema: Any) -> Signature:
    arguments = {SCHEMAS_NAMES.get(each.name, each.name): each for each in schema.arguments}
    defaults = {
        name: each.default_value for name, each in arguments.items() if each.has_default_value()
    }
    return Signature(
        tuple(arguments),
        defaults,
        frozenset(arguments) - defaults.keys(),
        {name: KINDS.get(str(each.type), OTHER) for name, each in arguments.items()},
        sum(not each.kwarg_only for each in arguments.values()),
    )


def _has_out(schema: Any) -> bool:
    return any(argument.is_out for argument in schema.arguments)
