"""Which verbs are tried on an architecture, and what each is held to."""

import copy
from typing import Any

import torch
from torch import Tensor
from trial import Row, Trial

from wolfsbane import surgery
from wolfsbane.anatomy.rates import drop_rates

NEW_RATE = 0.25

OTHERWISE, EQUAL_IN_DOUBLE = "differs by", "equal in float64"


def try_out(library: str, name: str) -> Row:
    """Return what comes out for one architecture."""
    row = Row(library, name)
    try:
        trial = Trial(row)
    except Exception as error:  # noqa: BLE001
        row.error = f"{type(error).__name__}: {str(error)[:200]}"
        return row
    model = trial.model
    row.parameters = sum(parameter.numel() for parameter in model.parameters())
    rates = drop_rates(model)
    row.dropouts = sum(rate.is_module for rate in rates)
    row.rates = len(rates)
    row.batch_norms = sum(
        isinstance(module, torch.nn.modules.batchnorm._BatchNorm)  # noqa: SLF001
        for module in model.modules()
    )
    _try_verbs(trial)
    if any(OTHERWISE in outcome for outcome in row.steps.values()):
        _again_in_double(row)
    return row


def _again_in_double(row: Row) -> None:
    """Say "equal in float64" of what differs in float32 only."""
    double = Row(row.library, row.name)
    try:
        _try_verbs(Trial(double, is_double=True))
    except Exception:  # noqa: BLE001  # a model that does not run in float64 keeps what was found
        return
    for step, outcome in row.steps.items():
        if OTHERWISE in outcome and double.steps.get(step) in {"exact", "equal"}:
            row.steps[step] = EQUAL_IN_DOUBLE


def _try_verbs(trial: Trial) -> None:
    trial.step("convert", lambda: surgery.convert(trial.model))
    trial.step("train", lambda: surgery.convert(trial.model), lambda _: _training(trial))
    trial.step("revert", lambda: surgery.convert(trial.model), lambda _: _reverted(trial))
    example = trial.kwargs or trial.args
    trial.step("fuse", lambda: surgery.fuse(trial.model, example))
    trial.step("fold", lambda: surgery.fold_batchnorm(trial.model, example))
    trial.step("remove_dropout", lambda: surgery.remove_dropout(trial.model))
    trial.step(
        "set_rates", lambda: surgery.set_rates(trial.model, NEW_RATE), lambda _: _rates(trial)
    )
    trial.step(
        "insert_dropout",
        lambda: surgery.insert_dropout(
            trial.model, 0.1, after=(torch.nn.Linear, torch.nn.Conv2d, torch.nn.ReLU)
        ),
    )
    trial.step(
        "insert_batchnorm",
        lambda: surgery.insert_batchnorm(trial.model, example),
        lambda _: _runs(trial),
    )
    swaps = {torch.nn.ReLU: torch.nn.SiLU, torch.nn.GELU: torch.nn.SiLU}
    trial.step(
        "swap_activation",
        lambda: surgery.swap_activation(trial.model, swaps),
        lambda _: _runs(trial),
    )


def _training(trial: Trial) -> str:
    """Compare a training pass of the model as it was and as it is: outputs, running statistics."""
    found = []
    for model in (trial.original, trial.model):
        twin = copy.deepcopy(model)
        surgery.remove_dropout(twin).apply()
        outputs = trial.outputs(twin.train())
        buffers = [b for b in twin.buffers() if b.is_floating_point()]
        found.append((outputs, buffers))
    outputs, statistics = (trial.compare(found[0][i], found[1][i]) for i in (0, 1))
    if {outputs, statistics} <= {"exact", "equal"}:
        return "exact" if outputs == statistics else "equal"
    return f"outputs {outputs}, statistics {statistics}"


def _reverted(trial: Trial) -> str:
    """Compare outputs once converted and reverted, and see that no layer of ours is left.

    `DropPath` may stay: torch.nn has none.
    """
    undo = surgery.revert(trial.model).apply()
    left = {type(m).__name__ for m in trial.model.modules() if _is_ours(m)} - {"DropPath"}
    outputs = trial.compare(trial.first, trial.outputs())
    undo()
    return f"{outputs}, {', '.join(left)} left" if left else outputs


def _is_ours(module: torch.nn.Module) -> bool:
    return type(module).__module__.startswith("wolfsbane.")


def _rates(trial: Trial) -> str:
    rates = [rate for rate in drop_rates(trial.model) if rate.is_settable]
    wrong = [rate.path for rate in rates if rate.value != NEW_RATE and rate.is_effective]
    return f"{len(wrong)} not set" if wrong else "exact"


def _runs(trial: Trial) -> str:
    """Whether the changed model trains: a finite forward and backward pass."""
    trial.model.train()
    try:
        torch.manual_seed(1)
        outputs = [t for t in _with_grad(trial.call(trial.model)) if t.requires_grad]
        torch.stack([t.float().mean() for t in outputs]).sum().backward()
        grads = [p.grad for p in trial.model.parameters() if p.grad is not None]
    finally:
        trial.model.eval()
        trial.model.zero_grad(set_to_none=True)
        for name, value in trial.model.state_dict().items():
            if name in trial.state:
                value.copy_(trial.state[name])
    return "runs" if grads and all(t.isfinite().all() for t in outputs) else "not finite"


def _with_grad(output: Any) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    values = output.values() if hasattr(output, "values") else output
    return (
        [t for v in values for t in _with_grad(v)]
        if isinstance(output, (dict, list, tuple))
        else []
    )
