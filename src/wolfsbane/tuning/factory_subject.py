"""A function of the user's as what is tuned: its arguments are the dimensions."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from wolfsbane.errors import ArgumentError
from wolfsbane.experiment.data import Data
from wolfsbane.experiment.factories import (
    Factory,
    call_factory,
    check_factory_takes,
    check_is_new,
    factory_name,
)
from wolfsbane.tuning.dimensions import Choice, Rate
from wolfsbane.tuning.fingerprints import fingerprint_of_factory, fingerprint_of_structure
from wolfsbane.tuning.space import Configuration, Space, make_space

RATE_NAMES = frozenset(
    {"p", "drop", "drop_p", "drop_prob", "drop_rate", "dropout", "dropout_p", "dropout_prob"}
    | {"dropout_rate", "p_drop", "p_dropout"}
)
"""Arguments that are a drop rate, default or not; others have "drop" in their name, and a float."""


@dataclass(frozen=True)
class FactorySubject:
    """Builds networks by a function. Make it with `make_subject`.

    Attributes:
        factory: returns a new module for the space's names as keyword arguments.
        space: the arguments, and what each may be.
    """

    factory: Factory
    space: Space

    @property
    def built_by(self) -> str:
        """What builds it, for people."""
        return factory_name(self.factory)

    @property
    def fingerprint(self) -> str:
        """The factory's name and source, and the structure of what it builds."""
        with torch.random.fork_rng(devices=[]):
            built = [self.build(one) for one in (self.space.baseline, self.space.extreme)]
        return " ".join(
            [fingerprint_of_factory(self.factory), *map(fingerprint_of_structure, built)]
        )

    def build(self, configuration: Configuration, _data: Data | None = None) -> torch.nn.Module:
        """Return a new network; weights are drawn from torch's default CPU generator.

        Raises:
            ModelError: the factory raises, or returns no module.
        """
        return call_factory(str(configuration), self.factory, (), configuration.as_dict())


def make_factory_subject(factory: Factory, space: Space | None) -> FactorySubject:
    """Check a factory's signature, and that it builds a new module for each kind of option.

    Raises:
        ArgumentError: the space is not what the factory takes, or has no default for.
        ModelError: the factory raises, or returns no new module with parameters.
    """
    subject = FactorySubject(factory, _space_of_factory(factory) if space is None else space)
    check_factory_takes("space", subject.space.names, factory)
    _check_nothing_is_missing(factory, subject.space)
    with torch.random.fork_rng(devices=[]):
        built = [(one, subject.build(one)) for one in _one_of_each(subject.space)]
    seen: set[int] = set()
    for one, model in built:
        check_is_new(str(one), model, seen)
    return subject


def _one_of_each(space: Space) -> Iterator[Configuration]:
    """Yield the baseline twice, the extreme, and the baseline with each other option."""
    yield space.baseline
    yield space.baseline
    yield space.extreme
    for name, found in space.dimensions:
        if isinstance(found, Choice):
            for option in found.options[1:]:
                values = space.baseline.as_dict() | {name: option}
                yield Configuration(tuple(values.items()))


def _check_nothing_is_missing(factory: Factory, space: Space) -> None:
    for name, parameter in _parameters(factory).items():
        is_variable = parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
        if parameter.default is parameter.empty and not is_variable and name not in space.names:
            raise ArgumentError(
                f"{factory_name(factory)} needs {name!r} too, which is not in the space. Give it a "
                f"default, or functools.partial(factory, {name}=...)"
            )


def _parameters(factory: Factory) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        return {}  # Some callables in C have no signature.


def _space_of_factory(factory: Factory) -> Space:
    """Return the arguments of a factory that are drop rates by their names, from 0 to 0.9."""
    parameters = _parameters(factory)
    found = [name for name, parameter in parameters.items() if _is_rate(name, parameter)]
    if found:
        return make_space({name: Rate() for name in found})
    said = f"are: {', '.join(parameters)}" if parameters else "are none that can be seen"
    raise ArgumentError(
        f"{factory_name(factory)} has no argument that is a drop rate by its name, such as "
        f"dropout=0.0; its arguments {said}. Name those to be found, say space={{'rate': "
        "Rate(0, 0.9)}"
    )


def _is_rate(name: str, parameter: inspect.Parameter) -> bool:
    if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
        return False
    default: Any = parameter.default
    if name in RATE_NAMES and (default is parameter.empty or type(default) is int):
        return default in (parameter.empty, 0)
    may_be = name in RATE_NAMES or ("drop" in name.lower() and "keep" not in name.lower())
    return may_be and type(default) is float and 0.0 <= default <= 1.0
