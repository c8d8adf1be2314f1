"""What an operation is called, and with what: the same for aten operators and for functions."""

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import get_testing_overrides, resolve_name

from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.tensors import has_tensor
from wolfsbane.audit.vocabulary import DROPOUTS, kind_of_function

RENAMED = {"train": "training"}
"""Words of aten's schemas, and those of torch's functions for the same thing."""

RECURRENT = (torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu)
AFTER_TENSORS = (
    "has_biases",
    "num_layers",
    "dropout",
    "training",
    "bidirectional",
    "batch_first",
)
"""The arguments of recurrent nets, which torch describes for packed sequences only."""

OPERATOR = re.compile(r"__[ri]?(add|sub|mul|matmul|truediv|floordiv|pow|mod)__")
"""Methods behind Python's operators: `1 - x` calls `x.__rsub__(1)`."""


def name_of(function: Callable[..., Any]) -> str:
    """Return a function's full name, as torch spells it.

    Examples:
        >>> import torch
        >>> name_of(torch.nn.functional.dropout), name_of(torch.Tensor.softmax)
        ('torch.nn.functional.dropout', 'torch.Tensor.softmax')
    """
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
    short = _short(name)
    package = "torch" if name.startswith("torch.Tensor.") else name.rpartition(".")[0]
    is_floor = short == "clamp_min" and arguments.get("min") != 0
    found = (None if is_floor else kind_of_function(f"{package}.{short}")) or short
    own = None if layer is None else layer.kind
    is_of_layer = own in DROPOUTS if found in DROPOUTS else (own, found) == ("relu6", "hardtanh")
    return own if own is not None and is_of_layer else found


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
    if function in RECURRENT:
        return _arguments_of_recurrent(args)
    signature = _signature(function)
    given: Mapping[str, Any] = dict(kwargs)
    if signature is not None:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:  # an overload of a builtin that torch does not describe
            pass
        else:
            bound.apply_defaults()
            given = bound.arguments
    return normalised(getattr(function, "__name__", ""), given)


def _arguments_of_recurrent(args: Sequence[Any]) -> dict[str, Any]:
    """Return what a recurrent net was called with: tensors come first, more where it is packed."""
    flags = next((place for place, value in enumerate(args) if isinstance(value, bool)), len(args))
    return dict(zip(AFTER_TENSORS, args[flags:], strict=False))


def normalised(function: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments without tensors, by torch's names; `relu_` has inplace=True."""
    found = {
        RENAMED.get(name, name): value
        for name, value in arguments.items()
        if name not in ("self", "input") and not has_tensor(value)
    }
    if function.endswith("_") and not function.endswith("__"):
        found["inplace"] = True
    return found


@functools.cache
def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    for described in (function, _overrides().get(function)):
        try:
            signature = inspect.signature(described)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
        kinds = {parameter.kind for parameter in signature.parameters.values()}
        if inspect.Parameter.VAR_POSITIONAL not in kinds:
            return signature
    return None


@functools.cache
def _overrides() -> Mapping[Any, Any]:
    return get_testing_overrides()
