"""What was chosen, put into a model of the user's."""

import warnings

import torch

from wolfsbane.errors import ArgumentError, WolfsbaneWarning
from wolfsbane.surgery.planning.plan import Undo
from wolfsbane.surgery.rates import set_rates
from wolfsbane.tuning.model_rates import check_patterns, settable_rates
from wolfsbane.tuning.model_subject import rates_of
from wolfsbane.tuning.space import Configuration, Space


def apply(configuration: Configuration, space: Space, model: torch.nn.Module) -> Undo:
    """Set the chosen rates in a model, and return what undoes it.

    One rate becomes that of all the model's drop rates, unless it was found for a pattern of paths.
    Several are set by their names, where these are patterns of paths that match. Options that were
    chosen are left to the user, and a warning names them.

    Args:
        configuration: what was chosen.
        space: what it was chosen of.
        model: any model with drop rates; it is changed in place.

    Raises:
        ArgumentError: a name is no pattern that matches a rate of this model.
        ModelError: the model has no rates that can be set.

    Examples:
        >>> from wolfsbane.tuning.space import make_space
        >>> from wolfsbane.tuning.dimensions import Rate
        >>> space = make_space({"dropout": Rate()})
        >>> model = torch.nn.Sequential(torch.nn.Dropout(0.1), torch.nn.Dropout(0.2))
        >>> undo = apply(Configuration((("dropout", 0.35),)), space, model)
        >>> [layer.p for layer in model]
        [0.35, 0.35]
        >>> [layer.p for layer in undo()]
        [0.1, 0.2]
    """
    settable_rates(model)
    chosen = rates_of(space, configuration)
    if isinstance(chosen, dict) and len(chosen) == 1 and not space.are_paths:
        chosen = chosen[space.rates[0]]
    if isinstance(chosen, dict):
        _check_paths(model, chosen)
    undo = set_rates(model, chosen).apply()
    _warn_of_choices(configuration, space)
    return undo


def _check_paths(model: torch.nn.Module, rates: dict[str, float]) -> None:
    try:
        check_patterns(model, list(rates))
    except ArgumentError as error:
        shown = ", ".join(f"{name!r}: {rate:g}" for name, rate in rates.items())
        raise ArgumentError(
            f"the chosen rates {{{shown}}} are not named by paths of {type(model).__name__}. Build "
            "the model with them, or say which is which: wolfsbane.surgery.set_rates(model, "
            f"{{'encoder.*': {next(iter(rates.values())):g}}}).apply(). ({error})"
        ) from None


def _warn_of_choices(configuration: Configuration, space: Space) -> None:
    left = [f"{name}={value}" for name, value in configuration.values if name not in space.rates]
    if left:
        warnings.warn(
            f"not applied: {', '.join(left)}. In a model that exists only drop rates are set: "
            "build one with the options that were chosen",
            WolfsbaneWarning,
            stacklevel=4,  # apply's caller is a result's method
        )
