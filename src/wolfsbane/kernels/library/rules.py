"""Rules of the operators for shapes, autograd and vmap, and a shorter way where none is needed."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C import DispatchKey, DispatchKeySet

from wolfsbane.kernels import fused
from wolfsbane.kernels.block import Norm
from wolfsbane.kernels.library import operators as computed
from wolfsbane.kernels.library.operators import LIBRARY, SCHEMAS, operators, tail_of
from wolfsbane.kernels.reference import accumulator
from wolfsbane.mask import scale


def _shaped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register the shapes, dtypes and layouts of an operator's results."""
    name = function.__name__.removeprefix("_shape_of_")
    torch.library.register_fake(f"wolfsbane::{name}", function, lib=LIBRARY)
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
def _shape_of_gaussian(input: Tensor, *_: Any) -> Tensor:
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


@_shaped
def _shape_of_snapshot(input: Tensor) -> Tensor:
    return torch.empty_like(input)


def _shape_of_gradients(input: Tensor, *vectors: Tensor | None) -> tuple[Tensor, ...]:
    rest = (input.new_empty(0) if v is None else torch.empty_like(v) for v in vectors)
    return torch.empty_like(input), *rest


def _differentiate(name: str, setup: Callable[..., None], backward: Callable[..., Any]) -> None:
    torch.library.register_autograd(
        f"wolfsbane::{name}", backward, setup_context=setup, lib=LIBRARY
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


def _save_noise(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, key, *ctx.how = inputs
    ctx.save_for_backward(key)


def _gaussian_gradients(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    _, is_factor, _ = ctx.how
    own = operators.gaussian(grad, *ctx.saved_tensors, *ctx.how) if is_factor else grad
    return own, *(None,) * 4


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
        tail = tail_of(key, *ctx.tail)
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
        found = fused.bias_act_dropout_gradients(grad, input, bias, tail_of(key, *ctx.tail))
    else:
        found = operators.bias_act_dropout_backward(grad, input, bias, key, *ctx.tail)
    return *_where_given(found, (input, bias)), *(None,) * 5


def _where_given(found: Any, operands: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    pairs = zip(found, operands, strict=True)
    return [None if operand is None else grad for grad, operand in pairs]


_differentiate("masked_affine", _save_mask, _masked_affine_gradients)
_differentiate("dropout_add", _save_residual, _dropout_add_gradients)
_differentiate("gaussian", _save_noise, _gaussian_gradients)
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

    torch.library.register_vmap(f"wolfsbane::{name}", rule, lib=LIBRARY)


for _name in SCHEMAS:
    if _name != "draw_key":
        _map_one_by_one(_name)
# Nothing that it takes is mapped over: torch's rule for random numbers says what vmap makes of it.
LIBRARY.impl("draw_key", computed.draw_key, "FuncTorchVmapMode")


def _shorten(function: Callable[..., Any]) -> None:
    """Let a call on a CPU that needs no gradient skip the autograd rule: half of its time.

    So are all calls of a compiled graph. The rule stays for the others, whose key set tells of a
    fake tensor, a mode, or a transformation.
    """
    operator = getattr(operators, function.__name__).default
    general = torch.library.get_kernel(operator, "AutogradCPU")
    plain = DispatchKeySet(DispatchKey.CPU).add(DispatchKey.AutogradCPU).raw_repr()

    def short(keys: DispatchKeySet, *args: Any) -> Any:
        if keys.raw_repr() == plain and not torch.is_grad_enabled():
            return function(*args)
        return general.call_boxed(keys, *args)

    LIBRARY.impl(operator, short, "AutogradCPU", with_keyset=True)


for _function in (
    computed.masked_affine,
    computed.dropout_add,
    computed.gaussian,
    computed.batch_norm,
    computed.bias_act_dropout,
):
    _shorten(_function)
