"""Named variants of a network: written as text, as options, or as a factory."""

import ast
import dataclasses
import difflib
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import wolfsbane
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError, WolfsbaneError
from wolfsbane.experiment.data import Data
from wolfsbane.experiment.networks import NetworkOptions, build_network

Factory = Callable[..., torch.nn.Module]
Options = Mapping[str, Any]

BASELINE = "plain"
"""Name of the variant without options, put first where a text names none."""

IMPLIED = {"dropout": 0.5, "batchnorm": True}
"""What an option means that is named without a value."""

DEFAULT_VARIANTS = "plain,dropout,batchnorm,batchnorm+dropout"


@dataclass(frozen=True)
class Variant:
    """A network to be compared: a name, and how to build it for some data."""

    name: str
    options: dict[str, Any]
    """Empty for a factory of the user's."""
    built_by: str
    """The name of what builds it."""
    build: Callable[[Data], torch.nn.Module]


def parse_variants(text: str) -> dict[str, dict[str, Any]]:
    """Read `dropout=0.2,batchnorm,batchnorm+activation=sigmoid` as variants and their options.

    A comma separates variants, a plus joins options in one. `plain` is the network without
    options; it is put first, as what the others are compared with, unless it is listed.

    Raises:
        ArgumentError: nothing, or the same variant twice, is named.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ArgumentError(f"no variant in {text!r}. Write, say, {DEFAULT_VARIANTS!r}")
    if BASELINE not in names:
        names.insert(0, BASELINE)
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ArgumentError(f"variant {repeated!r} is named twice")
    return {name: {} if name == BASELINE else _parse_options(name) for name in names}


def _parse_options(name: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for part in name.split("+"):
        option, has_value, value = (piece.strip() for piece in part.partition("="))
        if not option or (has_value and not value):
            raise ArgumentError(f"variant {name!r}: expected option=value joined by +")
        if option in options:
            raise ArgumentError(f"variant {name!r}: option {option!r} is given twice")
        options[option] = _literal(value) if has_value else IMPLIED.get(option, True)
    return options


def _literal(text: str) -> Any:
    words = {"true": True, "false": False, "none": "none"}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def make_variants(
    variants: Mapping[str, Options | Factory], model: Factory | None = None
) -> tuple[Variant, ...]:
    """Check variants and make them buildable.

    Args:
        variants: by name, options or a factory of no arguments.
        model: what options are passed to as keyword arguments; the default network where None.

    Raises:
        ArgumentError, ArgumentTypeError: no variants, an unknown option, or not a factory.
    """
    if not isinstance(variants, Mapping) or not variants:
        raise ArgumentTypeError(
            "variants is a dictionary of names and options or factories, such as "
            f"{{'plain': {{}}, 'dropout': {{'dropout': 0.5}}}}, but got {variants!r}"
        )
    if len({str(name) for name in variants}) < len(variants):
        raise ArgumentError(f"two variants have the same name: {list(variants)!r}")
    return tuple(_make(str(name), what, model) for name, what in variants.items())


def _make(name: str, what: Options | Factory, model: Factory | None) -> Variant:
    if isinstance(what, torch.nn.Module):
        raise ArgumentTypeError(
            f"variant {name!r} is a module, which would be trained once and no more: give a "
            f"function that builds a new one, such as lambda: {type(what).__name__}(...)"
        )
    if isinstance(what, Mapping):
        options = dict(what)
        if model is None:
            network = _network_options(name, options)
            return Variant(
                name,
                options,
                "the default network",
                lambda data: _call(name, build_network, (network, data)),
            )
        _check_factory_takes(name, options, model)
        return Variant(name, options, _name(model), lambda _: _call(name, model, (), options))
    if callable(what):
        return Variant(name, {}, _name(what), lambda _: _call(name, what))
    raise ArgumentTypeError(
        f"variant {name!r} has to be a dictionary of options or a function that returns a module, "
        f"but got {what!r}"
    )


def _name(factory: Factory) -> str:
    own = getattr(factory, "__qualname__", type(factory).__qualname__)
    return f"{getattr(factory, '__module__', '')}:{own}"


def _network_options(name: str, options: dict[str, Any]) -> NetworkOptions:
    known = [field.name for field in dataclasses.fields(NetworkOptions)]
    unknown = next((option for option in options if option not in known), None)
    if unknown is not None:
        raise ArgumentError(_unknown_option(name, unknown, known))
    try:
        return NetworkOptions(**options)
    except WolfsbaneError as error:
        raise type(error)(f"variant {name!r}: {error}") from None


def _check_factory_takes(name: str, options: dict[str, Any], model: Factory) -> None:
    try:
        parameters = inspect.signature(model).parameters
    except (TypeError, ValueError):
        return  # Some callables in C have no signature: the call itself will tell.
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    unknown = next((option for option in options if option not in parameters), None)
    if unknown is not None:
        raise ArgumentError(_unknown_option(name, unknown, list(parameters)))


def _unknown_option(name: str, unknown: str, known: list[str]) -> str:
    close = difflib.get_close_matches(unknown, known, n=1)
    meant = f": did you mean {close[0]!r}?" if close else "."
    return f"variant {name!r}: unknown option {unknown!r}{meant} There are: {', '.join(known)}"


def _call(
    name: str, factory: Factory, arguments: Sequence[Any] = (), options: Options | None = None
) -> torch.nn.Module:
    try:
        module = factory(*arguments, **(options or {}))
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"variant {name!r}: the model factory raised {type(error).__name__}: {error}"
            f"{_place(error)}"
        ) from error
    if not isinstance(module, torch.nn.Module):
        raise ModelError(
            f"variant {name!r}: the model factory has to return a torch.nn.Module, but returned "
            f"{type(module).__name__}"
        )
    return module


def _place(error: BaseException) -> str:
    """Return where the user's own code raised, as ` (file:line)`."""
    libraries = tuple(str(Path(module.__file__ or "").parent) for module in (torch, wolfsbane))
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(libraries)]
    return f" ({own[-1].filename}:{own[-1].lineno})" if own else ""


def import_factory(path: str) -> Factory:
    """Return the function that `module:factory` names, looked up in the working directory too.

    Raises:
        ModelError: the module cannot be imported or has no such function.
    """
    module_name, colon, name = path.partition(":")
    if not (colon and module_name and name):
        raise ModelError(f"expected module:factory, such as mymodels:make_net, but got {path!r}")
    working_directory = str(Path.cwd())
    if working_directory not in sys.path:
        sys.path.insert(0, working_directory)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"cannot import {module_name!r}: {type(error).__name__}: {error}"
        ) from error
    factory = getattr(module, name, None)
    if not callable(factory):
        raise ModelError(f"module {module_name!r} has no function {name!r}")
    return factory  # type: ignore[no-any-return]
