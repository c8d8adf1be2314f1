"""Fingerprints of what builds a network, so that an edited one is not taken for the old one."""

import ast
import functools
import hashlib
import inspect
import re
import textwrap
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from wolfsbane.anatomy.rates import drop_rates
from wolfsbane.experiment.factories import Factory, factory_name

LENGTH = 16

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
"""What a representation says of an object that has none of its own; another one every time."""


def fingerprint_of_factory(factory: Factory) -> str:
    """Return the name of a factory with a hash of its source, where that can be had.

    Comments and layout do not count. What the factory calls is not looked at, nor the variables
    that it reads; `fingerprint_of_structure` of what it builds tells of those.

    Examples:
        >>> fingerprint_of_factory(torch.nn.Linear)[:31]
        'torch.nn.modules.linear:Linear '
    """
    if isinstance(factory, functools.partial):
        given = _shown([*factory.args, *sorted(factory.keywords.items())])
        return f"{fingerprint_of_factory(factory.func)} with {given}"
    source = _source(factory)
    name = factory_name(factory)
    return f"{name} {_hash(source.encode())}" if source else name


def _source(factory: Factory) -> str:
    """Return the source of a function, a class, or an object's class, without its comments."""
    is_named = inspect.isroutine(factory) or inspect.isclass(factory)
    owner: Any = factory if is_named else type(factory)
    try:
        if getattr(owner, "__name__", "") == "<lambda>":
            return _source_of_lambda(owner)
        return ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(owner))))
    except (OSError, TypeError, SyntaxError):
        return ""  # Written in C, or typed where nothing keeps it.


def _source_of_lambda(function: Any) -> str:
    """Return the lambdas of the line: a lambda is cut out of the statement that it stands in."""
    lines, _ = inspect.findsource(function)
    return "; ".join(
        ast.unparse(node)
        for node in ast.walk(ast.parse("".join(lines)))
        if isinstance(node, ast.Lambda) and node.lineno == function.__code__.co_firstlineno
    )


def fingerprint_of_structure(model: torch.nn.Module) -> str:
    """Return a hash of a model's modules, drop rates, and the names and shapes of its weights."""
    rates = [f"{rate.path} {rate.name} {rate.value}" for rate in drop_rates(model)]
    weights = [f"{name} {_kind(value)}" for name, value in model.state_dict().items()]
    return _hash("\n".join([_shown(model), *rates, *weights]).encode())


def fingerprint_of_model(model: torch.nn.Module) -> str:
    """Return a model's class with hashes of its structure and of all its weights."""
    digest = hashlib.sha256()
    for value in model.state_dict().values():
        digest.update(_content(value))
    structure = fingerprint_of_structure(model)
    return f"{factory_name(type(model))} {structure} {digest.hexdigest()[:LENGTH]}"


def _kind(value: Any) -> str:
    """Return type and shape of a tensor, where it has one yet."""
    if not isinstance(value, torch.Tensor) or is_lazy(value):
        return type(value).__name__
    return f"{value.dtype} {tuple(value.shape)}"


def _content(value: Any) -> bytes:
    if not isinstance(value, torch.Tensor):
        return _shown(value).encode()
    if is_lazy(value):
        return b""
    return bytes(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())


def _shown(value: Any) -> str:
    return ADDRESS.sub("", repr(value))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:LENGTH]
