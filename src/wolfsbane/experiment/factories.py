"""Functions of the user's that build a network: named, checked, called."""

import difflib
import inspect
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import wolfsbane
from wolfsbane.errors import ArgumentError, ModelError

Factory = Callable[..., torch.nn.Module]
Options = Mapping[str, Any]


def factory_name(factory: Factory) -> str:
    """Return `module:name`."""
    own = getattr(factory, "__qualname__", type(factory).__qualname__)
    return f"{getattr(factory, '__module__', '')}:{own}"


def check_factory_takes(who: str, options: Iterable[str], factory: Factory) -> None:
    """Raise unless a factory has arguments of these names, as far as its signature tells.

    Raises:
        ArgumentError: an option is unknown; the message begins with `who`.
    """
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return  # Some callables in C have no signature: the call itself will tell.
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    check_options(who, options, list(parameters))


def check_options(who: str, options: Iterable[str], known: Sequence[str]) -> None:
    """Raise unless all options are known.

    Raises:
        ArgumentError: one is not; the message names the nearest.
    """
    unknown = next((option for option in options if option not in known), None)
    if unknown is None:
        return
    close = difflib.get_close_matches(unknown, known, n=1)
    meant = f": did you mean {close[0]!r}?" if close else "."
    raise ArgumentError(f"{who}: unknown option {unknown!r}{meant} There are: {', '.join(known)}")


def call_factory(
    who: str, factory: Factory, arguments: Sequence[Any] = (), options: Options | None = None
) -> torch.nn.Module:
    """Return the module that a factory builds.

    Raises:
        ModelError: it raises, or returns something else; the message begins with `who`.
    """
    try:
        module = factory(*arguments, **(options or {}))
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"{who}: the model factory raised {type(error).__name__}: {error}{_place(error)}"
        ) from error
    if not isinstance(module, torch.nn.Module):
        raise ModelError(
            f"{who}: the model factory has to return a torch.nn.Module, but returned "
            f"{type(module).__name__}"
        )
    return module


def _place(error: BaseException) -> str:
    """Return where the user's own code raised, as ` (file:line)`."""
    libraries = tuple(str(Path(module.__file__ or "").parent) for module in (torch, wolfsbane))
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(libraries)]
    return f" ({own[-1].filename}:{own[-1].lineno})" if own else ""


def check_is_new(who: str, model: torch.nn.Module, seen: set[int]) -> None:
    """Raise unless a model has parameters, none of them `seen` before, and add their ids to it.

    Raises:
        ModelError: it has none, or shares some with an earlier one.
    """
    ids = {id(parameter) for parameter in model.parameters()}
    if not ids:
        raise ModelError(f"{who}: the model has no parameters to train")
    if ids & seen:
        raise ModelError(
            f"{who}: its factory returns a module that was returned before, or shares parameters "
            "with it. Build a new one at each call"
        )
    seen |= ids
