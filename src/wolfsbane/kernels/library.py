"""Operators that torch.compile, torch.export and dispatch modes record: `torch.ops.wolfsbane`.

Each is an operation of `dropout` or `fused` with a schema, a rule for shapes, one for autograd and
one for vmap. Eager code does not call them: through an operator, autograd takes twice the time of a
plain function. When a recorded operator runs, it does what eager code does.

A key is an int64 tensor here, so that each run of a graph can draw its own.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C import DispatchKey, DispatchKeySet

from wolfsbane.kernels import dropout, fused
from wolfsbane.kernels.block import Activation, Norm, Running, Tail
from wolfsbane.kernels.layout import in_layout_of
from wolfsbane.kernels.reference import accumulator
from wolfsbane.mask import scale
from wolfsbane.mask.key import key_as_number, randint

_library = torch.library.Library("wolfsbane", "DEF")

_TAIL = "Tensor key, float p, str activation, float parameter, SymInt start"
_NORM = "Tensor? weight, Tensor? bias, float eps"

_SCHEMAS = {
    # `after` is the key drawn before, whose only use is the order; `number` tells draws apart.
    "draw_key": "(Tensor? after, int number, *, Device device) -> Tensor",
    "masked_affine": (
        "(Tensor input, Tensor key, float p, float scale, float shift, float fill, "
        "SymInt[] mask_shape, SymInt start) -> Tensor"
    ),
    "dropout_add": "(Tensor input, Tensor residual, Tensor key, float p, SymInt start) -> Tensor",
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
}

# A key lives on the host: as part of a CUDA graph it would be drawn once, for all replays.
_TAGS = {
    name: (
        (torch.Tag.nondeterministic_seeded, torch.Tag.cudagraph_unsafe)
        if name == "draw_key"
        else (torch.Tag.cudagraph_unsafe, torch.Tag.needs_fixed_stride_order)
    )
    for name in _SCHEMAS
}

for _name, _schema in _SCHEMAS.items():
    _library.define(_name + _schema, tags=_TAGS[_name])


operators = torch.ops.wolfsbane


def _runs(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register what an operator computes, on every device."""
    _library.impl(function.__name__[1:], function, "CompositeExplicitAutograd")
    return function


@_runs
def _draw_key(after: Tensor | None, number: int, *, device: torch.device) -> Tensor:
    return randint(None)


@_runs
def _masked_affine(
    input: Tensor,
    key: Tensor,
    p: float,
    scale: float,
    shift: float,
    fill: float,
    mask_shape: list[int],
    start: int,
) -> Tensor:
    bits, coefficients = key_as_number(key), (scale, shift, fill)
    return _own(
        dropout.masked_affine(input, p, bits, tuple(mask_shape), coefficients, start), input
    )


@_runs
def _dropout_add(input: Tensor, residual: Tensor, key: Tensor, p: float, start: int) -> Tensor:
    return _own(dropout.dropout_add(input, residual, p, key_as_number(key), start), input)


@_runs
def _batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    mean: Tensor | None,
    var: Tensor | None,
    *tail: Any,
) -> tuple[Tensor, Tensor]:
    norm = Norm(weight, bias, eps, uses_batch=mean is None)
    running = None if mean is None or var is None else Running(mean, var)
    output, statistics = fused.batch_norm_and_statistics(input, norm, _tail(*tail), running)
    return _own(output, input), statistics


@_runs
def _batch_norm_backward(
    grad: Tensor,
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    statistics: Tensor,
    uses_batch: bool,
    *tail: Any,
) -> tuple[Tensor, ...]:
    norm = Norm(weight, bias, eps, uses_batch)
    with torch.no_grad():  # these gradients have none; the rule for autograd computes others
        found = fused.batch_norm_gradients(grad, input, norm, _tail(*tail), statistics)
    return _gradients(input, found)


@_runs
def _bias_act_dropout(input: Tensor, bias: Tensor | None, *tail: Any) -> Tensor:
    return _own(fused.bias_act_dropout(input, bias, _tail(*tail)), input)


@_runs
def _bias_act_dropout_backward(
    grad: Tensor, input: Tensor, bias: Tensor | None, *tail: Any
) -> tuple[Tensor, ...]:
    with torch.no_grad():
        found = fused.bias_act_dropout_gradients(grad, input, bias, _tail(*tail))
    return _gradients(input, found)


def _tail(key: Tensor, p: float, activation: str, parameter: float, start: int) -> Tail:
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


def _shaped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register the shapes, dtypes and layouts of an operator's results."""
    name = function.__name__.removeprefix("_shape_of_")
    torch.library.register_fake(f"wolfsbane::{name}", function, lib=_library)
    return function


@_shaped
def _shape_of_draw_key(after: Tensor | None, number: int, *, device: torch.device) -> Tensor:
    return torch.empty((), dtype=torch.int64, device=device)


@_shaped
def _shape_of_masked_affine(input: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(input)


@_shaped
def _shape_of_dropout_add(input: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(input)


@_shaped
def _shape_of_batch_norm(input: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    statistics = input.new_empty((2, input.size(1)), dtype=accumulator(input.device))
    return torch.empty_like(input), statistics


@_shaped
def _shape_of_batch_norm_backward(
    grad: Tensor, input: Tensor, weight: Tensor | None, bias: Tensor | None, *_: Any
) -> tuple[Tensor, ...]:
    return _shape_of_gradients(input, weight, bias)


@_shaped
def _shape_of_bias_act_dropout(input: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(input)


@_shaped
def _shape_of_bias_act_dropout_backward(
    grad: Tensor, input: Tensor, bias: Tensor | None, *_: Any
) -> tuple[Tensor, ...]:
    return _shape_of_gradients(input, bias)


def _shape_of_gradients(input: Tensor, *vectors: Tensor | None) -> tuple[Tensor, ...]:
    rest = (input.new_empty(0) if v is None else torch.empty_like(v) for v in vectors)
    return torch.empty_like(input), *rest


def _differentiate(name: str, setup: Callable[..., None], backward: Callable[..., Any]) -> None:
    torch.library.register_autograd(
        f"wolfsbane::{name}", backward, setup_context=setup, lib=_library
    )


def _save_mask(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, key, p, scale, _, _, mask_shape, start = inputs
    ctx.save_for_backward(key)
    ctx.how = (p, scale, 0.0, 0.0, mask_shape, start)


def _masked_affine_gradients(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    return operators.masked_affine(grad, *ctx.saved_tensors, *ctx.how), *(None,) * 7


def _save_residual(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    input, _, key, p, start = inputs
    ctx.save_for_backward(key)
    ctx.how = (p, scale(p), 0.0, 0.0, list(input.shape), start)


def _dropout_add_gradients(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    return operators.masked_affine(grad, *ctx.saved_tensors, *ctx.how), grad, None, None, None


def _save_batch_norm(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    input, weight, bias, ctx.eps, mean, _, key, *ctx.tail = inputs
    statistics = output[1]
    ctx.uses_batch = mean is None
    ctx.mark_non_differentiable(statistics)
    ctx.save_for_backward(input, weight, bias, statistics, key)


def _batch_norm_gradients(ctx: Any, grad: Tensor, _: Tensor | None) -> tuple[Any, ...]:
    input, weight, bias, statistics, key = ctx.saved_tensors
    if torch.is_grad_enabled():
        norm = Norm(weight, bias, ctx.eps, ctx.uses_batch)
        tail = _tail(key, *ctx.tail)
        found = fused.batch_norm_gradients(grad, input, norm, tail, statistics)
    else:
        found = operators.batch_norm_backward(
            grad, input, weight, bias, ctx.eps, statistics, ctx.uses_batch, key, *ctx.tail
        )
    return *_where_given(found, (input, weight, bias)), *(None,) * 8


def _save_bias(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    input, bias, key, *ctx.tail = inputs
    ctx.save_for_backward(input, bias, key)


def _bias_act_dropout_gradients(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    input, bias, key = ctx.saved_tensors
    if torch.is_grad_enabled():
        found = fused.bias_act_dropout_gradients(grad, input, bias, _tail(key, *ctx.tail))
    else:
        found = operators.bias_act_dropout_backward(grad, input, bias, key, *ctx.tail)
    return *_where_given(found, (input, bias)), *(None,) * 5


def _where_given(found: Any, operands: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    pairs = zip(found, operands, strict=True)
    return [None if operand is None else grad for grad, operand in pairs]


_differentiate("masked_affine", _save_mask, _masked_affine_gradients)
_differentiate("dropout_add", _save_residual, _dropout_add_gradients)
_differentiate("batch_norm", _save_batch_norm, _batch_norm_gradients)
_differentiate("bias_act_dropout", _save_bias, _bias_act_dropout_gradients)


def _map_one_by_one(name: str) -> None:
    """Register that vmap calls an operator for one entry after another: each is a kernel's work."""
    operator = getattr(operators, name)

    def rule(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Any, Any]:
        results = [
            operator(
                *(
                    value.select(dim, index) if isinstance(dim, int) else value
                    for value, dim in zip(inputs, in_dims, strict=True)
                )
            )
            for index in range(info.batch_size)
        ]
        if isinstance(results[0], Tensor):
            return torch.stack(results), 0
        stacked = tuple(torch.stack(entries) for entries in zip(*results, strict=True))
        return stacked, (0,) * len(stacked)

    torch.library.register_vmap(f"wolfsbane::{name}", rule, lib=_library)


for _name in _SCHEMAS:
    if _name != "draw_key":
        _map_one_by_one(_name)
# Nothing that it takes is mapped over: torch's rule for random numbers says what vmap makes of it.
_library.impl("draw_key", _draw_key, "FuncTorchVmapMode")


def _shorten(function: Callable[..., Any]) -> None:
    """Let a call on a CPU that needs no gradient skip the autograd rule: half of its time.

    So are all calls of a compiled graph. The rule stays for the others, whose key set tells of a
    fake tensor, a mode, or a transformation.
    """
    operator = getattr(operators, function.__name__[1:]).default
    general = torch.library.get_kernel(operator, "AutogradCPU")
    plain = DispatchKeySet(DispatchKey.CPU).add(DispatchKey.AutogradCPU).raw_repr()

    def short(keys: DispatchKeySet, *args: Any) -> Any:
        if keys.raw_repr() == plain and not torch.is_grad_enabled():
            return function(*args)
        return general.call_boxed(keys, *args)

    _library.impl(operator, short, "AutogradCPU", with_keyset=True)


for _function in (
    _masked_affine,
    _dropout_add,
    _batch_norm,
    _bias_act_dropout,
):
    _shorten(_function)
