"""What is tuned: the default network, a factory, or a model with drop rates."""

from collections.abc import Mapping
from typing import Protocol

import torch

from wolfsbane.errors import ArgumentTypeError
from wolfsbane.experiment.data import Data
from wolfsbane.experiment.factories import Factory
from wolfsbane.tuning.default_network import DefaultNetwork
from wolfsbane.tuning.dimensions import Dimension
from wolfsbane.tuning.factory_subject import make_factory_subject
from wolfsbane.tuning.model_subject import make_model_subject
from wolfsbane.tuning.parse_space import DEFAULT_SPACE, parse_space
from wolfsbane.tuning.space import Configuration, Space, make_space


class Subject(Protocol):
    """Builds the network of a configuration; has to survive pickling (cloudpickle)."""

    @property
    def space(self) -> Space:
        """What may be chosen."""

    @property
    def built_by(self) -> str:
        """What builds it, for people."""

    @property
    def fingerprint(self) -> str:
        """What it builds, for the configuration's hash: source, weights and structure, options."""

    def build(self, configuration: Configuration, data: Data | None) -> torch.nn.Module:
        """Return a new network; new weights are drawn from torch's default CPU generator."""


def make_subject(
    model: torch.nn.Module | Factory | None = None,
    space: Mapping[str, Dimension] | Space | None = None,
) -> Subject:
    """Check what is tuned, and what may be chosen of it.

    Args:
        model: None for the default network, whose options the space names (dropout, batchnorm,
            activation, hidden, layers). A factory: a function or class, whose keyword arguments
            the space names; it draws new weights for every seed. Or a module with drop rates:
            copies of it are trained under every seed, from the weights that it has.
        space: names, and a `Rate` or `Choice` for each. Of a module they are patterns of paths, as
            `surgery.set_rates` has them: `{"encoder.*": Rate(0, 0.5), "head": Rate()}`; rates that
            none matches stay as they are, in the baseline too. Default: dropout of the default
            network; the arguments of a factory that are drop rates by their names (p, dropout,
            drop_rate and the like, and whatever contains "drop" and has a float as default); one
            rate named "p" for all drop rates of a module.

    Raises:
        ArgumentError, ArgumentTypeError: the space does not fit, or `model` is none of these.
        ModelError: the factory raises or returns no new module; the module has no drop rates.

    Examples:
        >>> make_subject().space.names
        ('dropout',)
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Dropout(0.5))
        >>> subject = make_subject(model)
        >>> subject.build(subject.space.extreme, None)[1]
        Dropout(p=0.9, inplace=False)
        >>> model[1]
        Dropout(p=0.5, inplace=False)
    """
    given = space if space is None or isinstance(space, Space) else make_space(space)
    if model is None:
        return DefaultNetwork(parse_space(DEFAULT_SPACE) if given is None else given)
    if isinstance(model, torch.nn.Module):
        return make_model_subject(model, given)
    if not callable(model):
        raise ArgumentTypeError(
            "model is a torch.nn.Module with drop rates, or a function or class that builds one, "
            f"but got {model!r} (of type {type(model).__name__})"
        )
    return make_factory_subject(model, given)
