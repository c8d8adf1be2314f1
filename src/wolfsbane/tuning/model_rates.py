"""The drop rates of a model that a search may set, all together or by patterns of their paths."""

from collections.abc import Sequence

import torch

from wolfsbane.anatomy.rates import DropRate, drop_rates
from wolfsbane.anatomy.selection import matches
from wolfsbane.errors import ArgumentError, ModelError
from wolfsbane.surgery.rate_rules import names
from wolfsbane.surgery.rates import ONE_LAYER, no_rate

ALL = "p"
"""The name of the one rate that stands for all rates of a model."""


def obstacle(rate: DropRate) -> str | None:
    """Return why setting a rate would change nothing, or None where it does."""
    return rate.obstacle or (None if rate.is_effective else ONE_LAYER)


def settable_rates(model: torch.nn.Module) -> list[DropRate]:
    """Return the rates of a model that can be set and have an effect.

    Raises:
        ModelError: there is none.
    """
    rates = drop_rates(model)
    found = [rate for rate in rates if obstacle(rate) is None]
    if found:
        return found
    reasons = "".join(f"; {_place(rate)}: {obstacle(rate)}" for rate in rates)
    raise ModelError(
        f"{type(model).__name__} has no drop rate that can be set{reasons}. Put dropout in: "
        "wolfsbane.surgery.insert_dropout(model, p=0.0, after=torch.nn.ReLU).apply()"
    )


def fixed_rates(model: torch.nn.Module) -> list[str]:
    """Return what drops in training and cannot be set, each with the reason."""
    return [
        f"{_place(rate)}: {rate.obstacle}"
        for rate in drop_rates(model)
        if rate.obstacle is not None and rate.is_effective and rate.value > 0.0
    ]


def _place(rate: DropRate) -> str:
    return f"{rate.kind} in {rate.path}" if rate.path else rate.kind


def check_patterns(model: torch.nn.Module, patterns: Sequence[str]) -> None:
    """Raise unless each pattern decides over a rate of the model; of several the last one does.

    Raises:
        ArgumentError: a pattern matches no rate, or none that can be set, or is outdone by later
            ones wherever it matches.
        ModelError: the model has no rate that can be set.
    """
    settable = [names(rate.paths, rate.name) for rate in settable_rates(model)]
    deciding = {_last_match(patterns, place) for place in settable}
    for pattern in patterns:
        if pattern in deciding:
            continue
        if any(matches(pattern, place) for place in settable):
            raise ArgumentError(
                f"every rate that {pattern!r} matches is matched by a later pattern too, which "
                "wins. Put the wider pattern first"
            )
        rates = [r for r in drop_rates(model) if matches(pattern, names(r.paths, r.name))]
        if not rates:
            raise no_rate(pattern, settable)
        raise ArgumentError(
            f"no drop rate that {pattern!r} matches can be set: {_place(rates[0])}: "
            f"{obstacle(rates[0])}"
        )


def _last_match(patterns: Sequence[str], place: Sequence[str]) -> str | None:
    return next((one for one in reversed(patterns) if matches(one, place)), None)
