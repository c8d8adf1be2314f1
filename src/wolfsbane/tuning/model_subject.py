"""A model of the user's as what is tuned: its drop rates are the dimensions."""

import copy
import warnings
from dataclasses import dataclass, replace

import torch

from wolfsbane.errors import ArgumentError, ModelError, WolfsbaneWarning
from wolfsbane.experiment.data import Data
from wolfsbane.surgery.rates import set_rates
from wolfsbane.tuning.dimensions import Rate
from wolfsbane.tuning.fingerprints import fingerprint_of_model
from wolfsbane.tuning.model_rates import ALL, check_patterns, fixed_rates, settable_rates
from wolfsbane.tuning.space import Configuration, Space, make_space


@dataclass(frozen=True)
class ModelSubject:
    """Copies a model and sets the copy's drop rates. Make it with `make_subject`.

    Attributes:
        model: whose copies are trained, from the weights that it has; it stays as it is.
        space: one rate named "p" for all drop rates, or patterns of their paths.
    """

    model: torch.nn.Module
    space: Space

    @property
    def built_by(self) -> str:
        """What builds it, for people."""
        return f"a copy of {type(self.model).__name__}"

    @property
    def fingerprint(self) -> str:
        """The model's class and a hash of its structure and weights."""
        return fingerprint_of_model(self.model)

    def build(self, configuration: Configuration, _data: Data | None = None) -> torch.nn.Module:
        """Return a copy of the model with these rates, and the model's own weights.

        Raises:
            ModelError: the model cannot be copied.
        """
        try:
            model = copy.deepcopy(self.model)
        except Exception as error:
            raise ModelError(
                f"{type(self.model).__name__} cannot be copied: {type(error).__name__}: {error}. "
                "Give a function that builds it, such as lambda p: "
                f"{type(self.model).__name__}(..., p)"
            ) from error
        set_rates(model, rates_of(self.space, configuration)).apply()
        return model


def rates_of(space: Space, configuration: Configuration) -> float | dict[str, float]:
    """Return what a configuration says of a model's rates, as `set_rates` takes it."""
    values = configuration.as_dict()
    rates = {name: float(values[name]) for name in space.rates}  # type: ignore[arg-type]  # numbers
    return rates[ALL] if space.names == (ALL,) else rates


def make_model_subject(model: torch.nn.Module, space: Space | None) -> ModelSubject:
    """Check a model and patterns of its rates.

    Raises:
        ArgumentError: a Choice, or a pattern that decides over no rate.
        ModelError: the model has no rates to set, no parameters, or cannot be copied.
    """
    settable_rates(model)
    if next(model.parameters(), None) is None:
        raise ModelError(f"{type(model).__name__} has no parameters to train")
    space = make_space({ALL: Rate()}) if space is None else space
    choice = next((name for name in space.names if name not in space.rates), None)
    if choice is not None:
        raise ArgumentError(
            f"space: {choice!r} is a Choice, but of a model that exists only drop rates are set. "
            f"Give a function that builds it: lambda {_argument(choice)}, p: ..."
        )
    if space.names == (ALL,):
        _warn_of_fixed(model)
    else:
        check_patterns(model, space.names)
    subject = ModelSubject(model, replace(space, are_paths=True))
    subject.build(space.extreme)
    return subject


def _argument(name: str) -> str:
    return name if name.isidentifier() else "option"


def _warn_of_fixed(model: torch.nn.Module) -> None:
    fixed = fixed_rates(model)
    if fixed:
        warnings.warn(
            "there are drop rates that cannot be set; they drop in every training, the baseline's "
            f"too. {'; '.join(fixed)}",
            WolfsbaneWarning,
            stacklevel=5,  # make_subject's caller is `tune`
        )
