"""Which modules are meant: by class, by a pattern of their paths, by a function."""

import difflib
import fnmatch
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch.nn import Module

from wolfsbane.anatomy.places import Member, members
from wolfsbane.errors import ArgumentError, ArgumentTypeError

Part = type[Module] | str | Callable[[str, Module], bool]

Selector = Part | Sequence[Part]
"""A class (and its subclasses), a pattern such as "blocks.*.mlp", a function of (path, module),
or a sequence of these, of which any may hold. In a pattern `*` stands for any text, dots too."""


def select(model: Module, selector: Selector) -> list[Member]:
    """Return the modules that a selector means, in the model's order.

    Raises:
        ArgumentError: a pattern matches no path.
        ArgumentTypeError: the selector is none of what it may be.

    Examples:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
        >>> [member.path for member in select(model, torch.nn.ReLU)]
        ['1']
        >>> select(model, "layers.*")
        Traceback (most recent call last):
            ...
        wolfsbane.errors.ArgumentError: no module's path matches 'layers.*'. The paths are: 0, 1
    """
    everyone = members(model)
    chosen: set[int] = set()
    for one in _parts(selector):
        found = [member for member in everyone if _holds(one, member)]
        if isinstance(one, str) and not found:
            raise _no_match(one, [path for member in everyone for path in member.paths if path])
        chosen.update(id(member.module) for member in found)
    return [member for member in everyone if id(member.module) in chosen]


def matches(pattern: str, paths: Iterable[str]) -> bool:
    """Whether any of the paths matches a pattern, in which `*` stands for any text."""
    return any(fnmatch.fnmatchcase(path, pattern) for path in paths)


def _parts(selector: Selector) -> list[Part]:
    parts: list[Any] = list(selector) if isinstance(selector, (tuple, list)) else [selector]
    for part in parts:
        if not _is_part(part):
            raise ArgumentTypeError(
                "modules are chosen by a class of torch.nn.Module, a pattern such as "
                f"'blocks.*.mlp', a function of (path, module), or a list of these, not by {part!r}"
            )
    return parts


def _is_part(part: object) -> bool:
    if isinstance(part, type):
        return issubclass(part, Module)
    return isinstance(part, str) or (callable(part) and not isinstance(part, Module))


def _holds(part: Part, member: Member) -> bool:
    if isinstance(part, str):
        return matches(part, member.paths)
    if isinstance(part, type):
        return isinstance(member.module, part)
    return bool(part(member.path, member.module))


def _no_match(pattern: str, paths: Sequence[str]) -> ArgumentError:
    return ArgumentError(f"no module's path matches {pattern!r}. {nearest(pattern, paths)}")


def nearest(pattern: str, paths: Sequence[str]) -> str:
    """Return a sentence that names the paths nearest to a pattern, or else the first ones."""
    near = difflib.get_close_matches(pattern, paths, n=3)
    if near:
        return f"Did you mean {' or '.join(repr(path) for path in near)}?"
    shown = ", ".join(paths[:12]) + (", ..." if len(paths) > 12 else "")  # noqa: PLR2004
    return f"The paths are: {shown}"
