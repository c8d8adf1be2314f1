"""Optimizers that go on with a changed model: parameter groups swapped in place."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch.nn import Module, Parameter
from torch.optim import LBFGS, Optimizer

from wolfsbane.errors import ArgumentError, ArgumentTypeError


def check_optimizers(model: Module, optimizers: Sequence[Optimizer]) -> tuple[Optimizer, ...]:
    """Return the optimizers as a tuple, or raise where one cannot belong to the model.

    Raises:
        ArgumentTypeError: not a sequence of optimizers.
        ArgumentError: an optimizer holds none of the model's parameters.
    """
    is_many = isinstance(optimizers, Iterable) and not isinstance(optimizers, Optimizer)
    checked = tuple(optimizers) if is_many else ()
    if not is_many or not all(isinstance(optimizer, Optimizer) for optimizer in checked):
        raise ArgumentTypeError(
            "optimizers has to be a list of torch.optim.Optimizer, but got "
            f"{type(optimizers).__name__}. Pass optimizers=[optimizer]"
        )
    own = {id(parameter) for parameter in model.parameters()}
    for optimizer in checked:
        held = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
        if own and not own.intersection(held):
            raise ArgumentError(
                f"the optimizer {type(optimizer).__name__} holds none of the model's parameters. "
                "Pass the optimizer that trains this model"
            )
    return checked


def swap(
    optimizer: Optimizer,
    gone: Iterable[Parameter],
    successors: Mapping[Parameter, Parameter],
    added: Iterable[tuple[Parameter, Parameter]],
) -> Callable[[], None]:
    """Change what an optimizer trains, in place, and return what puts it back.

    A parameter's successor takes its place and, where the shapes agree, its state (momentum). A
    parameter that is gone leaves with its state. A parameter that is added joins the group of the
    parameter named beside it, where this optimizer has that one. LBFGS, whose history is one vector
    of all parameters, begins a new one where they are others.
    """
    groups = [list(group["params"]) for group in optimizer.param_groups]
    state: dict[Any, Any] = dict(optimizer.state)
    gone_ids = {id(parameter) for parameter in gone}
    added = list(added)
    for group in optimizer.param_groups:
        kept = [successors.get(p, p) for p in group["params"] if id(p) not in gone_ids]
        held = {id(parameter) for parameter in (*group["params"], *kept)}
        joining = [new for new, beside in added if id(beside) in held]
        group["params"][:] = _once([*kept, *joining])
    _inherit(optimizer, gone_ids, successors)
    is_other = any(
        list(map(id, group["params"])) != list(map(id, before))
        for group, before in zip(optimizer.param_groups, groups, strict=True)
    )
    _forget_history(optimizer, is_other=is_other)

    def restore() -> None:
        for group, parameters in zip(optimizer.param_groups, groups, strict=False):
            group["params"][:] = parameters
        _forget_history(optimizer, is_other=is_other)
        for old, new in successors.items():
            learned = optimizer.state.pop(new, None)
            if learned is not None and old.shape == new.shape:
                optimizer.state[old] = learned
        for new, _ in added:
            optimizer.state.pop(new, None)
        for parameter, values in state.items():
            optimizer.state.setdefault(parameter, values)

    return restore


def _inherit(
    optimizer: Optimizer, gone_ids: set[int], successors: Mapping[Parameter, Parameter]
) -> None:
    """Drop the state of what is gone, and hand that of others to their successors."""
    state: dict[Any, Any] = dict(optimizer.state)
    for parameter in [p for p in state if id(p) in gone_ids or p in successors]:
        del optimizer.state[parameter]
    for old, new in successors.items():
        if old in state and old.shape == new.shape:
            optimizer.state[new] = state[old]


def _forget_history(optimizer: Optimizer, *, is_other: bool) -> None:
    if is_other and isinstance(optimizer, LBFGS):
        optimizer.state.clear()
        optimizer._numel_cache = None  # noqa: SLF001


def _once(parameters: Iterable[Parameter]) -> list[Parameter]:
    return list({id(parameter): parameter for parameter in parameters}.values())
