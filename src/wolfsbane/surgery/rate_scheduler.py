"""Drop rates that change in the course of training, with the interface of torch's schedulers."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch.nn import DataParallel, Module
from torch.nn.parallel import DistributedDataParallel

from wolfsbane.anatomy.rates import DropRate, drop_rates
from wolfsbane.anatomy.selection import matches
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError, WolfsbaneWarning
from wolfsbane.nn.layer import Layer
from wolfsbane.surgery.rate_rules import names
from wolfsbane.surgery.rates import hangs_at, no_rate
from wolfsbane.surgery.schedules import check_factor

SAME_RATE = 1e-6
"""How far apart rates may be and still be the same: one may have been held in a float32 tensor."""


class RateScheduler:
    r"""Change drop rates from step to step, as a learning rate scheduler changes learning rates.

    $$p_t = f(t) \, p_0$$

    The base rates $p_0$ are what the model holds when the scheduler is built, the factor $f(t)$
    comes from the schedule. Building it sets the rates of step 0, and each `step()` those of the
    next. A step is what you make it: call `step()` after each epoch, or after each batch.

    In evaluation nothing drops, whatever the rate. `state_dict()` goes into a checkpoint; loaded
    into a new scheduler on a new model, it sets the rates of that step at once.

    Under `torch.compile` a rate that is a Python number is a constant of the graph: every new value
    compiles the model again, and after 8 of them (`torch._dynamo.config.recompile_limit`) torch
    gives up and runs it uncompiled; so it does for any model and any scheduler. With
    `as_tensors=True` the rates of wolfsbane's layers become tensors, whose numbers change without
    compiling again: use it after `surgery.convert`. A layer draws a mask for a tensor even where
    it is 0, so a run goes on with the same masks only under the same setting.

    Args:
        model: any model; `surgery.rates(model)` shows its rates.
        schedule: `early(cutoff)`, `late(cutoff)`, `curriculum(gamma)`, `constant(factor)`, or any
            function from the step (0, 1, 2, ...) to a factor in [0, 1].
        which: a pattern, or several, of the rates to change, as in `surgery.set_rates`. Default:
            all that can be set.
        as_tensors: keep the rates of wolfsbane's own layers as tensors. Default: False.

    Attributes:
        base_rates: the rates that are multiplied, by path and attribute, as "blocks.0.drop.p".
        last_epoch: the step whose rates are set; the name is torch's.

    Raises:
        ArgumentError: no rate that is not 0 is meant, or the factor is not in [0, 1].
        ArgumentTypeError: the schedule cannot be called.
        ModelError: a later step finds that the model has lost one of the rates.

    Warns:
        WolfsbaneWarning: a rate that is meant is written in the source, and goes on as it is.

    Examples:
        >>> from wolfsbane import surgery
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.4))
        >>> scheduler = surgery.RateScheduler(model, surgery.early(cutoff=4))
        >>> for epoch in range(3):
        ...     scheduler.step()
        >>> model[1].p
        0.1
    """

    def __init__(
        self,
        model: Module,
        schedule: Callable[[int], float],
        which: str | Sequence[str] | None = None,
        *,
        as_tensors: bool = False,
    ) -> None:
        if not callable(schedule):
            raise ArgumentTypeError(
                "schedule has to be a function from a step to a factor, such as "
                f"surgery.early(cutoff=50), but got {schedule!r}"
            )
        self.schedule = schedule
        self.last_epoch = 0
        self._model = _bare(model)
        self._rates = _named(_meant(self._model, which))
        self.base_rates = {name: rate.value for name, rate in self._rates.items()}
        if not any(self.base_rates.values()):
            raise ArgumentError(
                "all rates to be scheduled are 0, and stay so whatever the schedule. Set them "
                "first: surgery.set_rates(model, 0.1).apply()"
            )
        factor = check_factor(schedule(0))
        self._as_tensors = as_tensors
        self._set(factor)

    def __repr__(self) -> str:
        count = len(self.base_rates)
        return f"RateScheduler({self.schedule!r}, {count} rates, step {self.last_epoch})"

    def step(self) -> None:
        """Set the rates of the next step."""
        factor = check_factor(self.schedule(self.last_epoch + 1))
        self._find_again()
        self.last_epoch += 1
        self._set(factor)

    def get_last_rate(self) -> dict[str, float]:
        """Return the rates that the model holds now, by path and attribute."""
        self._find_again()
        return {name: rate.value for name, rate in self._rates.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return what resumes the scheduler: the step, and the base rates."""
        return {"last_epoch": self.last_epoch, "base_rates": dict(self.base_rates)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where another scheduler was: take its step, and set the rates of it.

        Raises:
            ArgumentError: it was saved for other rates, or is none; nothing is changed.
        """
        saved, step = _saved(state_dict)
        differences = list(_differences(saved, self.base_rates))
        if differences:
            raise ArgumentError(
                f"the state is of a model with other drop rates: {'; '.join(differences)}. Build "
                "the model, and then the scheduler, as they were when the state was saved"
            )
        factor = check_factor(self.schedule(step))
        self._find_again()
        self.last_epoch = step
        self._set(factor)

    def _set(self, factor: float) -> None:
        if self._as_tensors:
            _make_tensors(self._model, self._rates.values())
        for name, rate in self._rates.items():
            rate.hold(factor * self.base_rates[name])

    def _find_again(self) -> None:
        """Look the rates up again where a module was replaced, as surgery.convert does."""
        if all(hangs_at(self._model, rate.path, rate.owner) for rate in self._rates.values()):
            return
        found = _named(rate for rate in drop_rates(self._model) if rate.is_settable)
        missing = [name for name in self.base_rates if name not in found]
        if missing:
            raise ModelError(
                f"the model no longer has the drop rate of {', '.join(missing)}. Build a new "
                "RateScheduler after changing the model"
            )
        self._rates = {name: found[name] for name in self.base_rates}


def _saved(state_dict: Any) -> tuple[dict[str, float], int]:
    """Return the base rates and the step of a state."""
    try:
        return dict(state_dict["base_rates"]), int(state_dict["last_epoch"])
    except (KeyError, TypeError, ValueError):
        raise ArgumentError(
            "state_dict has to be what RateScheduler.state_dict() returned, with base_rates and "
            f"last_epoch, but got {state_dict!r}"
        ) from None


def _bare(model: Module) -> Module:
    """Return the model inside torch.compile's and the data parallel wrappers."""
    while isinstance(model, Module):
        if isinstance(model, (DataParallel, DistributedDataParallel)):
            model = model.module
        elif isinstance(model._modules.get("_orig_mod"), Module):  # noqa: SLF001
            model = model.get_submodule("_orig_mod")
        else:
            break
    return model


def _meant(model: Module, which: str | Sequence[str] | None) -> list[DropRate]:
    """Return the rates that the patterns mean and that can be set."""
    found = drop_rates(model)
    patterns = ["*"] if which is None else [which] if isinstance(which, str) else list(which)
    places = [names(rate.paths, rate.name) for rate in found]
    for pattern in patterns:
        if not any(matches(pattern, place) for place in places):
            raise no_rate(pattern, places)
    meant = [
        rate
        for rate, place in zip(found, places, strict=True)
        if any(matches(pattern, place) for pattern in patterns)
    ]
    fixed = [rate for rate in meant if rate.obstacle and rate.value]
    if fixed:
        warnings.warn(_left_alone(fixed), WolfsbaneWarning, stacklevel=3)
    return [rate for rate in meant if rate.is_settable]


def _left_alone(fixed: Sequence[DropRate]) -> str:
    listed = ", ".join(
        f"{rate.path or type(rate.owner).__name__}: {rate.obstacle}" for rate in fixed
    )
    return f"RateScheduler cannot change {len(fixed)} of the drop rates ({listed})"


def _named(rates: Iterable[DropRate]) -> dict[str, DropRate]:
    return {f"{rate.path}.{rate.name}" if rate.path else rate.name: rate for rate in rates}


def _make_tensors(model: Module, rates: Iterable[DropRate]) -> None:
    """Turn the rates of our layers into buffers, where the model's tensors are."""
    first = next(model.parameters(), None)
    device = None if first is None else first.device
    for rate in rates:
        owner = rate.owner
        if isinstance(owner, Layer) and rate.name == "p" and not isinstance(owner.p, torch.Tensor):
            owner.p = torch.tensor(rate.value, device=device)


def _differences(saved: dict[str, float], own: dict[str, float]) -> Iterable[str]:
    for name in [*saved, *(name for name in own if name not in saved)]:
        if abs(saved.get(name, -1.0) - own.get(name, -1.0)) > SAME_RATE:
            yield f"{name} was {saved.get(name, 'not there')}, is {own.get(name, 'not there')}"
