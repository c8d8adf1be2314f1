"""What the operators compute, on every device: what eager code does."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from wolfsbane.kernels import dropout, fused, noise
from wolfsbane.kernels.block import Activation, Norm, Running, Tail
from wolfsbane.kernels.layout import in_layout_of
from wolfsbane.kernels.transforms import refuse_capture
from wolfsbane.mask.key import key_as_number, randint

LIBRARY = torch.library.Library("wolfsbane", "DEF")

_TAIL = "Tensor key, float p, str activation, float parameter, SymInt start"
_NORM = "Tensor? weight, Tensor? bias, float eps"

SCHEMAS = {
    # `after` is the key drawn before, whose only use is the order; `number` tells draws apart.
    "draw_key": "(Tensor? after, int number, *, Device device) -> Tensor",
    "masked_affine": (
        "(Tensor input, Tensor key, float p, float scale, float shift, float fill, "
        "SymInt[] mask_shape, SymInt start) -> Tensor"
    ),
    "dropout_add": "(Tensor input, Tensor residual, Tensor key, float p, SymInt start) -> Tensor",
    "gaussian": ("(Tensor input, Tensor key, float std, bool is_factor, SymInt start) -> Tensor"),
    "batch_norm": (
        f"(Tensor input, {_NORM}, Tensor? mean, Tensor? var, {_TAIL}) -> (Tensor, Tensor)"
    ),
    "batch_norm_backward": (
        f"(Tensor grad, Tensor input, {_NORM}, Tensor statistics, bool uses_batch, {_TAIL}) "
        "-> (Tensor, Tensor, Tensor)"
    ),
    "bias_act_dropout": f"(Tensor input, Tensor? bias, {_TAIL}) -> Tensor",
    "bias_act_dropout_backward": (
        f"(Tensor grad, Tensor input, Tensor? bias, {_TAIL}) -> (Tensor, Tensor)"
    ),
    # Compilers compute cheap things again in backward, but not an operator that they do not know.
    "snapshot": "(Tensor input) -> Tensor",
}

# A key lives on the host: as part of a CUDA graph it would be drawn once, for all replays.
_TAGS = {
    name: (
        (torch.Tag.nondeterministic_seeded, torch.Tag.cudagraph_unsafe)
        if name == "draw_key"
        else (torch.Tag.cudagraph_unsafe, torch.Tag.needs_fixed_stride_order)
    )
    for name in SCHEMAS
}

for _name, _schema in SCHEMAS.items():
    LIBRARY.define(_name + _schema, tags=_TAGS[_name])


operators = torch.ops.wolfsbane


def _runs(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register what an operator computes, on every device."""
    LIBRARY.impl(function.__name__, function, "CompositeExplicitAutograd")
    return function


@_runs
def draw_key(after: Tensor | None, number: int, *, device: torch.device) -> Tensor:
    """Draw a key; `after` and `number` only tell draws apart and put them in order."""
    return randint(None)


@_runs
def masked_affine(
    input: Tensor,
    key: Tensor,
    p: float,
    scale: float,
    shift: float,
    fill: float,
    mask_shape: list[int],
    start: int,
) -> Tensor:
    """See `kernels.dropout.masked_affine`."""
    refuse_capture(input.device)
    bits, coefficients = key_as_number(key), (scale, shift, fill)
    return _own(
        dropout.masked_affine(input, p, bits, tuple(mask_shape), coefficients, start), input
    )


@_runs
def dropout_add(input: Tensor, residual: Tensor, key: Tensor, p: float, start: int) -> Tensor:
    """See `kernels.dropout.dropout_add`."""
    refuse_capture(input.device)
    return _own(dropout.dropout_add(input, residual, p, key_as_number(key), start), input)


@_runs
def gaussian(input: Tensor, key: Tensor, std: float, is_factor: bool, start: int) -> Tensor:
    """See `kernels.noise.gaussian`."""
    refuse_capture(input.device)
    return _own(noise.gaussian(input, std, is_factor, key_as_number(key), start), input)


@_runs
def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    mean: Tensor | None,
    var: Tensor | None,
    *tail: Any,
) -> tuple[Tensor, Tensor]:
    """See `kernels.fused.batch_norm_and_statistics`; a mean means evaluation."""
    if tail[1]:
        refuse_capture(input.device)
    norm = Norm(weight, bias, eps, uses_batch=mean is None)
    running = None if mean is None or var is None else Running(mean, var)
    output, statistics = fused.batch_norm_and_statistics(input, norm, tail_of(*tail), running)
    return _own(output, input), statistics


@_runs
def batch_norm_backward(
    grad: Tensor,
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    statistics: Tensor,
    uses_batch: bool,
    *tail: Any,
) -> tuple[Tensor, ...]:
    """See `kernels.fused.batch_norm_gradients`."""
    norm = Norm(weight, bias, eps, uses_batch)
    with torch.no_grad():  # these gradients have none; the rule for autograd computes others
        found = fused.batch_norm_gradients(grad, input, norm, tail_of(*tail), statistics)
    return _gradients(input, found)


@_runs
def bias_act_dropout(input: Tensor, bias: Tensor | None, *tail: Any) -> Tensor:
    """See `kernels.fused.bias_act_dropout`."""
    refuse_capture(input.device)
    return _own(fused.bias_act_dropout(input, bias, tail_of(*tail)), input)


@_runs
def bias_act_dropout_backward(
    grad: Tensor, input: Tensor, bias: Tensor | None, *tail: Any
) -> tuple[Tensor, ...]:
    """See `kernels.fused.bias_act_dropout_gradients`."""
    with torch.no_grad():
        found = fused.bias_act_dropout_gradients(grad, input, bias, tail_of(*tail))
    return _gradients(input, found)


@_runs
def snapshot(input: Tensor) -> Tensor:
    """See `kernels.fused.fixed`."""
    return input.clone()


def tail_of(key: Tensor, p: float, activation: str, parameter: float, start: int) -> Tail:
    """Return what follows a normalisation or a bias, of an operator's arguments."""
    return Tail(Activation(activation, parameter), p, key_as_number(key) if p else 0, start)


def _gradients(input: Tensor, found: list[Tensor | None]) -> tuple[Tensor, ...]:
    """Return gradients as an operator has to: a tensor without elements where there is none."""
    first, *rest = (input.new_empty(0) if grad is None else grad for grad in found)
    return in_layout_of(first, input), *rest


def _own(output: Tensor, input: Tensor) -> Tensor:
    """Return an output in the layout that the rule for shapes promised."""
    if output.stride() == input.stride() and input.is_contiguous():
        return output
    return in_layout_of(output, input)
