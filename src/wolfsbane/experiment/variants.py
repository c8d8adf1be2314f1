"""Named variants of a network: written as text, as options, or as a factory."""

import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError
from wolfsbane.experiment.data import Data
from wolfsbane.experiment.factories import (
    Factory,
    Options,
    call_factory,
    check_factory_takes,
    factory_name,
)
from wolfsbane.experiment.literals import literal
from wolfsbane.experiment.networks import build_network, network_options

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
        options[option] = literal(value) if has_value else IMPLIED.get(option, True)
    return options


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
    who = f"variant {name!r}"
    if isinstance(what, Mapping):
        options = dict(what)
        if model is None:
            network = network_options(who, options)
            return Variant(
                name,
                options,
                "the default network",
                lambda data: call_factory(who, build_network, (network, data)),
            )
        check_factory_takes(who, options, model)
        return Variant(
            name, options, factory_name(model), lambda _: call_factory(who, model, (), options)
        )
    if callable(what):
        return Variant(name, {}, factory_name(what), lambda _: call_factory(who, what))
    raise ArgumentTypeError(
        f"variant {name!r} has to be a dictionary of options or a function that returns a module, "
        f"but got {what!r}"
    )


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
